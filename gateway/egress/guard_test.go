package egress

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// Every form is judged by the zero Guard.
func TestGuardJudgesEveryFormOfADestination(t *testing.T) {
	for want, hosts := range map[error]string{
		nil: `
			example.com EXAMPLE.com example.com. api.example.com a_b.example.com xn--bcher-kva.example bücher.example
			1.1.1.1 8.8.8.8 8.8.8.8. 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
			169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.167.255.255
			192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255 168.63.129.15
			[2606:4700:4700::1111] [2000::1] [2001:200::1] [2001:db7::1] [2003::1] [2620:4f:7fff::1] [2a00::1]
			[3ffe::1] [::ffff:8.8.8.8] [::ffff:808:808] 2606:4700::1 localhost.example.com mylocalhost 0x7f.example.com`,
		ErrBlocked: `
			localhost LOCALHOST localhost. foo.localhost a.b.LocalHost.
			0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.1.2.3 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
			127.0.0.0 127.0.0.1 127.0.0.1. 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254
			169.254.170.2 169.254.255.255 172.16.0.0 172.17.0.1 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.170
			192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.0 192.168.1.1 192.168.255.255
			192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 233.252.0.1 239.255.255.255
			240.0.0.1 255.255.255.254 255.255.255.255
			１２７.０.０.１ 127。0。0。1 127．0．0．1 127｡0｡0｡1 ①②⑦.⓪.⓪.① ⑩.⓪.⓪.① ｌｏｃａｌｈｏｓｔ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ
			ⓛocalhost localhost。 ｆｏｏ．ｌｏｃａｌｈｏｓｔ 𝟏𝟐𝟕.𝟎.𝟎.𝟏 𝓁ocalhost １６９.２５４.１６９.２５４ ①⑥⑨.②⑤④.①⑥⑨.②⑤④
			[::] [::1] ::1 [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::127.0.0.1] [::7f00:1] [::8.8.8.8]
			[::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::FFFF:10.0.0.1] [::ffff:169.254.169.254]
			[::ffff:a9fe:a9fe] [::ffff:0.0.0.0] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe]
			[64:ff9b::8.8.8.8] [64:ff9b:1::1] [64:ff9b:1::127.0.0.1] [100::1] [100:0:0:1::1] [200::1] [1fff::1] [4000::1]
			[5f00::1] [2001::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:2::1] [2001:3::1] [2001:4:112::1] [2001:10::1]
			[2001:20::1] [2001:30::1] [2001:1ff::1] [2001:db8::1] [2001:DB8:ffff::1] [2002::1] [2002:7f00:1::]
			[2002:a9fe:a9fe::1] [2002:808:808::1] [2620:4f:8000::1] [3fff::1] [3fff:fff::1] [fc00::1] [fd00:ec2::254]
			[fdff::1] [fe80::1] [febf::1] [fec0::1] [feff::1] [ff02::1] [ff0e::1]`,
		ErrAddress: `
			127.1 127.0.1 127 0 2130706433 017700000001 0x7f000001 0x7f.0.0.1 0x7F.1 127.0.0.0x1 0177.0.0.1 127.0.0.01
			00127.0.0.1 127.0.0.1.. 127..1 0x 0x. 1.2.3.4.5 256.1.1.1 1.2.3 08.8.8.8 8.8.8.010 134744072 0x08080808
			example.0x7f
			０x7f.1 ０ｘ７ｆ０００００１ ２１３０７０６４３３ ①②⑦.① １７７.1 [１::1] 127.0.0.1。。 。127.0.0.1 0x7f。1 0x7F.0x0.0x0.0x1 0300.0250.0.1
			[fe80::1%] [::ffff:127.0.0.1%25lo] [::1%lo]:80 [::1].example.com [::1]x localhost:80 localhost/ localhost# a..localhost
			example.1 127.0.0.1.1 4294967296 99999999999999999999 -1.0.0.0x0 %31%32%37.0.0.1 127.0.0.1%00 example.com%2f
			127.0.0.1\.example.com a@b ex*mple.com exa/mple.com exa?mple.com 127.0.0.1:80 [127.0.0.1] [::1 ::1] [] [:::1] [1::2::3]
			[::1]] [[::1]] [v1.fe80::a] [fe80::1%eth0] [fe80::1%25eth0] fe80::1%1 [2606:4700::1%1] [::127.1] [::ffff:127.1]
			[::ffff:0x7f.0.0.1] [12345::1] [1:2:3:4:5:6:7] [1:2:3:4:5:6:7:8:9] . .. .example.com example..com example.com..`,
	} {
		for host := range strings.FieldsSeq(hosts) {
			if err := new(Guard).CheckHost(host, 443); !errors.Is(err, want) {
				t.Errorf("CheckHost(%q) = %v, want %v", host, err, want)
			}
		}
	}
	for _, host := range []string{
		"", " ", "a b", "a\x00b", "127.0.0.1\n", "\u00ad", "a\r\nb", strings.Repeat("a", 64) + ".example",
		strings.Repeat("a.", 126) + "aa", "ex\xffample.com",
	} {
		if err := new(Guard).CheckHost(host, 443); !errors.Is(err, ErrAddress) {
			t.Errorf("CheckHost(%q) = %v, want %v", host, err, ErrAddress)
		}
	}
}

func TestGuardJudgesURLs(t *testing.T) {
	g := Guard{AllowNets: nets("10.1.0.0/16")}
	for url, want := range map[string]error{
		"http://example.com":                 nil,
		"HTTPS://example.com/a?b#c":          nil,
		"https://example.com:443/":           nil,
		"https://example.com:/":              nil,
		"https://example.com?x=1":            nil,
		"https://example.com:8443/":          nil, // may be in 10.1.0.0/16: the dial tells
		"http://10.1.2.3:9099/hook":          nil,
		"http://10.2.0.1/":                   ErrBlocked,
		"http://8.8.8.8:8080/":               ErrBlocked,
		"http://[::1]/":                      ErrBlocked,
		"http://[::1]:80":                    ErrBlocked,
		"http://8.8.8.8:0/":                  ErrAddress,
		"http://8.8.8.8:65536/":              ErrAddress,
		"http://8.8.8.8:+80/":                ErrAddress,
		"http://8.8.8.8:80:80/":              ErrAddress,
		"http://8.8.8.8:8_0/":                ErrAddress,
		"http://2606:4700::1/":               ErrAddress,
		"http://user@example.com/":           ErrAddress,
		"http://user:pw@example.com/":        ErrAddress,
		"http://example.com@127.0.0.1/":      ErrAddress,
		"http://127.0.0.1\\@example.com/":    ErrAddress,
		"http://example.com\\.127.0.0.1/":    ErrAddress,
		"http://example.com /":               ErrAddress,
		"http:///x":                          ErrAddress,
		"http://":                            ErrAddress,
		"//example.com/":                     ErrAddress,
		"example.com":                        ErrAddress,
		"ftp://example.com/":                 ErrAddress,
		"file:///etc/passwd":                 ErrAddress,
		"gopher://127.0.0.1:6379/_x":         ErrAddress,
		" http://example.com/":               ErrAddress,
		"http://example.com\r\nX: y/":        ErrAddress,
		"http://localhost:8080/":             ErrBlocked,
		"http://0x7f.0.0.1/":                 ErrAddress,
		"http:/example.com/":                 ErrAddress,
		"http://[::ffff:10.1.2.3]:1/":        nil,
		"http://[64:ff9b::10.1.2.3]/":        ErrBlocked,
		"http+unix://%2Fvar%2Frun%2Fdocker/": ErrAddress,
	} {
		if err := checkURL(&g, url); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
	}
}

// checkURL judges the destination of a URL as a request to it is judged before names are resolved.
func checkURL(g *Guard, url string) error {
	key, _, err := splitURL(url)
	if err != nil {
		return err
	}
	d, err := parseDestination(key)
	if err != nil {
		return err
	}
	return g.check(d.host, d.port)
}

func TestGuardRulesApplyInOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		g     Guard
		at    string
		allow bool
	}{
		{"a public address", Guard{}, "8.8.8.8:443", true},
		{"a port off the list", Guard{}, "8.8.8.8:25", false},
		{"a port put on the list", Guard{Ports: []uint16{8443}}, "8.8.8.8:8443", true},
		{"a default port off the list", Guard{Ports: []uint16{8443}}, "8.8.8.8:443", false},
		{"port 0", Guard{Ports: []uint16{0}}, "8.8.8.8:0", false},
		{"an allowed net, on any port", Guard{AllowNets: nets("127.0.0.0/8")}, "127.0.0.1:9099", true},
		{"an allowed net says nothing of others", Guard{AllowNets: nets("127.0.0.0/8")}, "10.0.0.1:80", false},
		{"an allowed net in mapped form", Guard{AllowNets: nets("::ffff:127.0.0.0/104")}, "127.0.0.1:80", true},
		{"a mapped address in an allowed net", Guard{AllowNets: nets("127.0.0.0/8")}, "[::ffff:127.0.0.1]:80", true},
		{"deny before allow", Guard{AllowNets: nets("10.0.0.0/8"), DenyNets: nets("10.9.0.0/16")}, "10.9.1.1:80", false},
		{"deny a public address", Guard{DenyNets: nets("8.8.8.0/24")}, "8.8.8.8:443", false},
		{"deny what NAT64 carries", Guard{AllowNets: nets("::/0"), DenyNets: nets("8.8.8.0/24")}, "[64:ff9b::8.8.8.8]:80", false},
		{"deny what 6to4 carries", Guard{AllowNets: nets("::/0"), DenyNets: nets("10.0.0.0/8")}, "[2002:a00:1::]:80", false},
		{"deny what a compatible address carries", Guard{AllowNets: nets("::/0"), DenyNets: nets("10.0.0.0/8")}, "[::10.0.0.1]:80", false},
		{"an allowed NAT64 net, to the Internet", Guard{AllowNets: nets("64:ff9b::/96")}, "[64:ff9b::8.8.8.8]:80", true},
		{"an allowed NAT64 net, not to here", Guard{AllowNets: nets("64:ff9b::/96")}, "[64:ff9b::127.0.0.1]:80", false},
		{"an allowed zone", Guard{AllowNets: nets("fe80::/10")}, "[fe80::1%eth0]:80", true},
		{"a zone hides nothing", Guard{DenyNets: nets("2606::/16")}, "[2606::1%eth0]:80", false},
		{"our own listener", own("127.0.0.1:8481"), "127.0.0.1:8481", false},
		{"our own listener, mapped", own("127.0.0.1:8481"), "[::ffff:127.0.0.1]:8481", false},
		{"our own listener by the unspecified address", own("127.0.0.1:8481"), "0.0.0.0:8481", false},
		{"our own listener by the unspecified address of IPv6", own("[::1]:8481"), "[::]:8481", false},
		{"another port beside our own", own("127.0.0.1:8481"), "127.0.0.1:8482", true},
		{"another address with our own port", own("127.0.0.1:8481"), "10.0.0.1:8481", true},
		{"a listener on every address", own("0.0.0.0:8481"), "127.8.8.8:8481", false},
		{"a listener on every address, by IPv6", own("[::]:8481"), "[::1]:8481", false},
		{"a listener on every address is not elsewhere", own("[::]:8481"), "203.0.113.7:8481", true},
	} {
		err := c.g.CheckAddr(netip.MustParseAddrPort(c.at))
		if c.allow && err != nil || !c.allow && !errors.Is(err, ErrBlocked) {
			t.Errorf("%s: CheckAddr(%s) = %v, want allowed: %t", c.name, c.at, err, c.allow)
		}
	}
}

func nets(s string) (ps []netip.Prefix) {
	for f := range strings.FieldsSeq(s) {
		ps = append(ps, netip.MustParsePrefix(f))
	}
	return ps
}

// own is a guard that allows everything but one listener.
func own(listener string) Guard {
	return Guard{Own: []netip.AddrPort{netip.MustParseAddrPort(listener)}, AllowNets: nets("0.0.0.0/0 ::/0")}
}

func TestGuardKnowsThisMachinesAddresses(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	g := own("0.0.0.0:8481")
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if err := g.CheckAddr(netip.AddrPortFrom(ip, 8481)); !errors.Is(err, ErrBlocked) {
			t.Errorf("%s is this machine's: %v", ip, err)
		}
	}
}

func TestGuardSaysWhatToSet(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1":    "--allow-net 127.0.0.1/32",
		"localhost":    "--allow-net 127.0.0.0/8",
		"[::1]":        "--allow-net ::1/128",
		"8.8.8.8:8080": "egress.ports",
	} {
		err := checkURL(new(Guard), "http://"+host+"/")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "egress.allow_nets") {
			t.Errorf("%s: %v, want it to tell of %s and egress.allow_nets", host, err, want)
		}
	}
}

func TestLocalhostFollowsAllowedNets(t *testing.T) {
	for _, allow := range []string{"127.0.0.0/8", "::1/128"} {
		g := Guard{AllowNets: nets(allow)}
		if err := g.CheckHost("foo.localhost", 9099); err != nil {
			t.Errorf("with %s allowed: %v", allow, err)
		}
	}
}

// What passes as an address must be what a resolver would make of it, and what passes as a name must not be an address
// in any notation.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"example.com", "127.1", "0x7f000001", "[::1]", "[fe80::1%25x]", "１２７.０.０.１", "a.localhost.",
		"2130706433", "8.8.8.8.", "xn--a", "[::ffff:1.2.3.4]", "%31", "0x", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHost(s)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("%q: %v does not wrap ErrAddress", s, err)
			}
			return
		}
		again, err := parseHost(h.name)
		if err != nil || again != h {
			t.Fatalf("%q is %+v, read again %+v, %v", s, h, again, err)
		}
		if h.addr.IsValid() {
			if h.addr.Is4In6() || h.addr.Zone() != "" || h.name != h.addr.String() {
				t.Fatalf("%q: %+v is not in its usual form", s, h)
			}
			return
		}
		last := strings.TrimSuffix(h.name, ".")
		last = last[strings.LastIndexByte(last, '.')+1:]
		if last[0] >= '0' && last[0] <= '9' && strings.Trim(last, "0123456789abcdefx") == "" && endsInNumber(last) {
			t.Fatalf("%q: the name %q may be taken for an address", s, h.name)
		}
		if strings.ContainsAny(h.name, " /\\?#@:%[]\x00\r\n") || h.name != strings.ToLower(h.name) {
			t.Fatalf("%q: the name %q holds what no name does", s, h.name)
		}
	})
}
