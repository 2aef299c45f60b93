package configs_test

import (
	"fmt"

	"github.com/sluice-gateway/sluice/configs"
)

func ExampleParse() {
	_, err := configs.Parse("sluice.yaml", []byte(`
limits:
  default: {start: 20/s, ceiling: 600/min}
  hosts:
    - {match: api.example.com, celing: 190/10s}
retention: {metadata: 7 days}
`))
	fmt.Println(err)
	// Output:
	// sluice.yaml:3: limits.default.start: 20/s: is above the ceiling; want at most the ceiling, which is 600/min, or unlimited
	// sluice.yaml:5: limits.hosts[0].celing: is not a known key, did you mean ceiling?; want one of match, by, start, ceiling, fixed, windows, share, concurrency, max_pause, headers, breaker, mask_path
	// sluice.yaml:6: retention.metadata: 7 days: is not a length of time; want a length of time such as 250ms, 30s, 1h30m or 7d
}

func ExampleLimits_Match() {
	c, err := configs.Parse("sluice.yaml", []byte(`
limits:
  hosts:
    - {match: "*.example.com", ceiling: 5/s}
    - {match: api.example.com, by: authorization, fixed: 190/10s}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, host := range []string{"api.example.com", "www.example.com:8443", "example.org"} {
		of := c.Limits.Match(host)
		fmt.Printf("%s: by %s, %s to %s\n", host, of.By, of.Start, of.Ceiling)
	}
	// Output:
	// api.example.com: by authorization, 190/10s to 190/10s
	// www.example.com:8443: by host, 5/s to 5/s
	// example.org: by host, 10/s to 1000/s
}
