// Reads an array of {secret, headers, body: base64} and writes one verdict for each: "ok" or what the library says.
import { readFileSync, writeFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const verdicts = JSON.parse(readFileSync(0, "utf8")).map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
    return "ok";
  } catch (e) {
    return e.message;
  }
});
writeFileSync(1, JSON.stringify(verdicts));
