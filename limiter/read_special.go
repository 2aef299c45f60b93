package limiter

// special knows the names that the words of a name would mislead about, in lower case.
func special(low []byte) fieldName {
	switch string(low) {
	case "age":
		return fieldName{kind: kindAge}
	case "date":
		return fieldName{kind: kindDate}
	case "x-rl", "x-current-token-count": // https://ip-api.com/docs/api:json, Walmart's developer.walmart.com/doc/us/us-dsv/us-dsv-rate-limit
		return fieldName{kind: kindWindow, role: roleRemaining, rank: rankVendor, anchored: true, family: hash(hashStart, low[:4]), unit: UnitRequests}
	case "x-ttl", "x-next-replenishment-time": // of these two: what is left of them, and until when
		return fieldName{kind: kindWindow, role: roleReset, rank: rankVendor, anchored: true, family: hash(hashStart, low[:4]), unit: UnitRequests}
	case "x-ratelimit-type": // Zoom's: QPS, Daily-limit
		return fieldName{
			kind: kindWindow, role: roleLength, rank: rankX, anchored: true, family: hash(hashStart, []byte("x-ratelimit")),
			prefix: len("x-ratelimit"), qualifier: hashStart, unit: UnitRequests,
		}
	case "req-limit-short", "req-limit-long", "remaining-req": // Pingdom's https://docs.pingdom.com/api/, Upbit's https://docs.upbit.com
		return fieldName{
			kind: kindWindow, role: roleRemaining, rank: rankVendor, anchored: true, words: true, family: hash(hashStart, low),
			unit: UnitRequests,
		}
	case "retry-after-ms":
		return fieldName{kind: kindDelay, delay: delayMs, says: millis}
	case "x-ms-retry-after-ms":
		return fieldName{kind: kindDelay, delay: delayXMs, says: millis}
	case "retry-after":
		return fieldName{kind: kindDelay, delay: delayRetryAfter}
	case "x-retry-after":
		return fieldName{kind: kindDelay, delay: delayXRetryAfter}
	case "x-retry-in":
		return fieldName{kind: kindDelay, delay: delayXRetryIn}
	case "x-rate-limited-for", "x-ratelimited-for", "rate-limited-for": // https://github.com/sidekiq/sidekiq/wiki/Ent-Rate-Limiting
		return fieldName{kind: kindDelay, delay: delayOther}
	case "x-sentry-rate-limits":
		return fieldName{kind: kindDelay, delay: delaySentry}
	case "x-amzn-ratelimit-limit":
		return fieldName{kind: kindCallsPerSecond}
	case "sforce-limit-info":
		return fieldName{kind: kindSalesforce}
	case "x-ms-ratelimit-remaining-resource":
		return fieldName{kind: kindAzureResource}
	case "x-app-usage", "x-page-usage", "x-ad-account-usage", "x-business-use-case-usage":
		return fieldName{kind: kindMetaUsage}
	case "twilio-concurrent-requests":
		return fieldName{kind: kindTwilio}
	case "stripe-rate-limited-reason":
		return fieldName{kind: kindStripe}
	}
	if family, ok := cutSuffix(low, "-bucket-level"); ok { // Lightspeed's: https://developers.lightspeedhq.com/retail/introduction/ratelimits/
		return fieldName{kind: kindWindow, role: roleUsed, rank: rankVendor, anchored: true, family: hash(hashStart, family), prefix: len(family), unit: UnitRequests}
	}
	return fieldName{}
}
