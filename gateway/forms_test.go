package gateway_test

// forms are URLs that lead, or are meant to make some reader believe that they lead, to where no webhook may go. $ stands for
// the port of a listener that waits for them on loopback. None of them is ever called, whichever way it is given, and
// all are refused before anything is resolved.
var forms = []string{
	// Loopback as it is usually written, and as inet_aton(3) reads it.
	"http://127.0.0.1:$/", "http://127.0.0.1.:$/", "http://127.1:$/", "http://127.0.1:$/", "http://127:$/", "http://127.255.255.254:$/",
	"http://2130706433:$/", "http://2130706433.:$/", "http://017700000001:$/", "http://0177.0.0.1:$/", "http://0177.1:$/",
	"http://0x7f000001:$/", "http://0X7F000001:$/", "http://0x7f.1:$/", "http://0x7f.0.0.1:$/", "http://0x7F.0X0.0x0.0x1:$/",
	"http://127.0.0.0x1:$/", "http://127.0.0.01:$/", "http://00127.0.0.1:$/", "http://127.0x0.1:$/", "http://127.00.00.1:$/",
	"http://00000000000000000000177.0.0.1:$/", "http://0x000000007f.0.0.1:$/", "http://4294967297:$/", "http://6425673729:$/",
	"http://127.0.0.1.0:$/", "http://127.0.0.256:$/", "http://383.0.0.1:$/", "http://0:$/", "http://0.0.0.0:$/", "http://0x0:$/", "http://0.1:$/",

	// IPv6: loopback, unspecified, and addresses that carry an IPv4 address.
	"http://[::1]:$/", "http://[::]:$/", "http://[0:0:0:0:0:0:0:1]:$/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]:$/", "http://[::0001]:$/",
	"http://[::ffff:127.0.0.1]:$/", "http://[::ffff:7f00:1]:$/", "http://[0:0:0:0:0:ffff:127.0.0.1]:$/", "http://[::FFFF:7F00:0001]:$/",
	"http://[::127.0.0.1]:$/", "http://[::7f00:1]:$/", "http://[::ffff:0:127.0.0.1]:$/", "http://[::ffff:0.0.0.0]:$/",
	"http://[64:ff9b::127.0.0.1]:$/", "http://[64:ff9b::7f00:1]:$/", "http://[64:ff9b::169.254.169.254]:$/", "http://[64:ff9b:1::127.0.0.1]:$/",
	"http://[64:ff9b:1:a9fe:a9:fe00::]:$/", "http://[2002:7f00:1::]:$/", "http://[2002:a9fe:a9fe::1]:$/", "http://[2001:0:7f00:1::80ff:fffe]:$/",
	"http://[2001::1]:$/", "http://[2001:db8::5efe:127.0.0.1]:$/", "http://[fe80::5efe:7f00:1]:$/",
	"http://[::1%25lo]:$/", "http://[::1%lo]:$/", "http://[fe80::1%25eth0]:$/", "http://[fe80::1%eth0]:$/", "http://[fe80::1]:$/", "http://[febf::1]:$/",
	"http://[::ffff:127.1]:$/", "http://[::ffff:0x7f.0.0.1]:$/", "http://[::ffff:2130706433]:$/", "http://[127.0.0.1]:$/", "http://[localhost]:$/",
	"http://::1:$/", "http://[::1:$/", "http://::1]:$/", "http://[[::1]]:$/", "http://[::1].:$/", "http://[::1].example.com:$/", "http://[v1.fe80::a]:$/",
	"http://[]:$/", "http://[:::1]:$/", "http://[0::0::1]:$/", "http://[::1]$/", "http://[::1]x:$/",

	// Special-purpose addresses (IANA's registries) and multicast.
	"http://0.255.255.255:$/", "http://10.0.0.1:$/", "http://10.255.255.255:$/", "http://100.64.0.1:$/", "http://100.100.100.200:$/", "http://100.127.255.254:$/",
	"http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials", "http://169.254.0.23:$/", "http://172.16.0.1:$/", "http://172.31.255.254:$/",
	"http://192.0.0.1:$/", "http://192.0.0.192/opc/v2/", "http://192.0.2.1:$/", "http://192.88.99.1:$/", "http://192.168.0.1:$/", "http://192.168.255.254:$/",
	"http://198.18.0.1:$/", "http://198.19.255.254:$/", "http://198.51.100.1:$/", "http://203.0.113.1:$/", "http://168.63.129.16:$/",
	"http://224.0.0.1:$/", "http://239.255.255.250:$/", "http://240.0.0.1:$/", "http://254.254.254.254:$/", "http://255.255.255.255:$/",
	"http://[fc00::1]:$/", "http://[fd00:ec2::254]/latest/meta-data/", "http://[fd20:ce::254]:$/", "http://[fec0::1]:$/", "http://[ff02::1]:$/", "http://[ff0e::1]:$/",
	"http://[100::1]:$/", "http://[2001:db8::1]:$/", "http://[2001:2::1]:$/", "http://[2001:20::1]:$/", "http://[3fff::1]:$/", "http://[5f00::1]:$/",
	"http://[2620:4f:8000::1]:$/", "http://[1::1]:$/", "http://[4000::1]:$/", "http://[::ffff:10.0.0.1]:$/", "http://[::ffff:a9fe:a9fe]:$/",
	"http://2852039166/", "http://0xa9fea9fe/", "http://0xA9.0xFE.0xA9.0xFE/", "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://025177524776/",
	"http://169.16689662/", "http://0xa9.254.0251.0xfe/", "http://3232235521:$/", "http://0300.0250.0.1:$/", "http://10.1:$/", "http://012.1:$/",

	// Names that stand for this machine or a cloud's metadata.
	"http://localhost:$/", "http://LOCALHOST:$/", "http://localhost.:$/", "http://LocalHost.:$/", "http://foo.localhost:$/", "http://a.b.localhost.:$/",
	"http://localhost.localdomain:$/", "http://localhost6:$/", "http://ip6-localhost:$/", "http://ip6-loopback:$/",
	"http://metadata.google.internal/computeMetadata/v1/", "http://METADATA.google.internal./", "http://metadata.goog/", "http://metadata/",
	"http://instance-data/latest/", "http://instance-data.ec2.internal/", "http://metadata.tencentyun.com/",

	// The same in other scripts, digits and dots, which have an ASCII form (RFC 5891), or none.
	"http://１２７.０.０.１:$/", "http://127。0。0。1:$/", "http://127．0．0．1:$/", "http://127｡0｡0｡1:$/", "http://①②⑦.⓪.⓪.①:$/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏:$/",
	"http://𝟣𝟤𝟩.1:$/", "http://０x7f.1:$/", "http://０ｘ７ｆ０００００１:$/", "http://２１３０７０６４３３:$/", "http://１６９.２５４.１６９.２５４/", "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
	"http://١٢٧.٠.٠.١:$/", "http://ｌｏｃａｌｈｏｓｔ:$/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:$/", "http://localhost。:$/", "http://local\u00adhost:$/", "http://local\u200bhost:$/",
	"http://loca\u2113host:$/", "http://foo。localhost:$/", "http://⑩.0.0.1:$/", "http://[１::1]:$/", "http://[：：1]:$/", "http://\u202e127.0.0.1:$/",

	// What only becomes an address when decoded, or for who splits a URL elsewhere.
	"http://%31%32%37.0.0.1:$/", "http://127%2e0%2e0%2e1:$/", "http://%6c%6f%63alhost:$/", "http://127.0.0.1%00.example.com:$/", "http://127.0.0.1%2f.example.com:$/",
	"http://example.com%2f@127.0.0.1:$/", "http://%5b::1%5d:$/", "http://localhost%20:$/", "http://127.0.0.1%0d%0aHost:%20x:$/",
	"http://good.example@127.0.0.1:$/", "http://good.example:80@127.0.0.1:$/", "http://user:pw@127.0.0.1:$/", "http://@127.0.0.1:$/", "http://:@127.0.0.1:$/",
	"http://127.0.0.1:$@good.example/", "http://a@b@127.0.0.1:$/", "http://127.0.0.1:$#@good.example/", "http://127.0.0.1:$/#@good.example/", "http://good.example#@127.0.0.1:$/",
	"http://127.0.0.1:$\\@good.example/", "http://good.example\\@127.0.0.1:$/", "http://good.example\\.127.0.0.1:$/", "http:\\\\127.0.0.1:$/", "http:/\\127.0.0.1:$/",
	"http:///127.0.0.1:$/", "http:////127.0.0.1:$/", "http:127.0.0.1:$/", "//127.0.0.1:$/", "127.0.0.1:$/", "http://?@127.0.0.1:$/", "http://;@127.0.0.1:$/",
	"http://127.0.0.1;good.example:$/", "http://127.0.0.1,good.example:$/", "http://127.0.0.1&good.example:$/", "http://good.example,127.0.0.1:$/", "http://{127.0.0.1}:$/",
	"http://127.0.0.1^good.example:$/", "http://127.0.0.1|good.example:$/", "http://*:$/", "http://a..b:$/", "http://.localhost:$/", "http://..:$/", "http://.:$/", "http://-.0x1:$/",

	// Ports and schemes.
	"http://127.0.0.1:0/", "http://good.example:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:131152/", "http://127.0.0.1:0$/", "http://127.0.0.1:+$/", "http://127.0.0.1:-1/",
	"http://127.0.0.1: $/", "http://127.0.0.1:$ /", "http://127.0.0.1:0x50/", "http://127.0.0.1:/", "http://127.0.0.1:$:$/", "http://127.0.0.1::$/", "http://127.0.0.1:８０/",
	"http://8.8.8.8:22/", "http://8.8.8.8:6379/", "http://[2606:4700::1111]:25/",
	"HTTP://127.0.0.1:$/", "hTTpS://127.0.0.1:$/", "https://localhost:$/", "https://[::1]:$/", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "unix:///var/run/docker.sock",
	"ftp://127.0.0.1:$/", "file:///etc/passwd", "gopher://127.0.0.1:$/_GET", "dict://127.0.0.1:$/", "ws://127.0.0.1:$/", "jar:http://127.0.0.1:$!/", "url:http://127.0.0.1:$/",
	"javascript:http://127.0.0.1:$/", "data:text/plain,http://127.0.0.1:$/", "://127.0.0.1:$/", "h\u1e6dtp://127.0.0.1:$/", "http\u003a//127.0.0.1:$/",

	// Space and control characters, which some readers take away.
	" http://127.0.0.1:$/", "\thttp://127.0.0.1:$/", "http://127.0.0.1\t:$/", "http://127.0.0.1\n:$/", "ht\ntp://127.0.0.1:$/", "http://127.0.0.1:$/\r\nHost: good.example",
	"http://local\thost:$/", "http://127.0.0.1\x00:$/", "http://\x01127.0.0.1:$/", "http://127.0.0.1\x7f:$/", "http://127.0. 0.1:$/", "http://good.example\x00@127.0.0.1:$/",
	"http://127.0.0.1\x0b:$/", "http://127.0.0.1\u00a0:$/", "http://127.0.0.1\u3000:$/", "http://127.0.0.1\ufeff:$/", "http://127.0.0.1\u2028:$/", "",
}

// opened are those of forms that, with 127.0.0.0/8 and ::1 allowed, are other ways to write what is allowed, and say it
// plainly enough to be called.
var opened = []string{
	"http://127.0.0.1:$/", "http://127.0.0.1.:$/", "HTTP://127.0.0.1:$/", "http://[::ffff:127.0.0.1]:$/", "http://[::ffff:7f00:1]:$/", "http://[0:0:0:0:0:ffff:127.0.0.1]:$/",
	"http://[::FFFF:7F00:0001]:$/", "http://localhost:$/", "http://LOCALHOST:$/", "http://localhost.:$/", "http://127.0.0.1:0$/",
	"http://１２７.０.０.１:$/", "http://127。0。0。1:$/", "http://①②⑦.⓪.⓪.①:$/", "http://ｌｏｃａｌｈｏｓｔ:$/", "http://localhost。:$/",
}
