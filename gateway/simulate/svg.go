package simulate

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"time"
)

// The picture's measures, in pixels.
const (
	left, right    = 64.0, 48.0
	plotWidth      = 820.0
	plotHeight     = 170.0
	stripHeight    = 14.0 // of the refusals below a plot
	panelGap       = 74.0
	headHeight     = 84.0
	keyLine        = 16.0
	leastOfTheBars = 1.5
)

// lines are the colours of campaigns, apart in hue and near in lightness; a ninth campaign begins again.
var lines = []string{"#0969da", "#bf3989", "#1a7f37", "#bc4c00", "#8250df", "#9a6700", "#0a7ea4", "#cf222e"}

const pictureStyle = `<style>
text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.title{font-size:18px;font-weight:600}.name{font-size:13px;font-weight:600}.faint{fill:#59636e}.end{text-anchor:end}.mid{text-anchor:middle}
.ground{fill:#fff}.grid{stroke:#d1d9e0;fill:none}.frame{stroke:#59636e;fill:none}
.out{fill:#ffebe9}.open{fill:#cf222e;opacity:.22}.no{fill:#cf222e}.came{stroke-dasharray:2 3;opacity:.65}
.by{stroke-width:1.5;stroke-dasharray:6 3}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.faint{fill:#9198a1}.ground{fill:#0d1117}.grid{stroke:#30363d}.frame{stroke:#9198a1}.out{fill:#3d1d20}}
</style>
`

// Draw draws a report as an SVG: for every host the campaigns' deliveries over time (dotted: what was accepted), its
// outages, when its breaker was not closed, and what share of the calls it refused.
func Draw(sc *Scenario, r *Report) []byte {
	var b bytes.Buffer
	height := headHeight
	for i := range sc.Hosts {
		height += panelGap + plotHeight + stripHeight + keyLine*float64(len(campaignsOf(sc, sc.Hosts[i].Name)))
	}
	width := left + plotWidth + right
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="Deliveries over time">`,
		width, height, width, height)
	b.WriteString(pictureStyle)
	fmt.Fprintf(&b, `<rect class="ground" width="%.0f" height="%.0f"/>`, width, height)
	fmt.Fprintf(&b, `<text class="title" x="%.0f" y="30">What would come of it</text>`, left)
	fmt.Fprintf(&b, `<text class="faint" x="%.0f" y="50">%s from %s. Lines: what is delivered; dotted: what was accepted; upright: when all must be.</text>`,
		left, short(r.Ended), r.Start.UTC().Format("2006-01-02 15:04:05 UTC"))
	fmt.Fprintf(&b, `<text class="faint" x="%.0f" y="66">Pale red: the host is out; darker: its breaker is not closed. `+
		`Bars below: the share of calls answered 429.</text>`+"\n", left)
	y, length := headHeight, max(r.Ended, time.Second)
	for i := range sc.Campaigns {
		length = max(length, sc.Campaigns[i].DoneBy)
	}
	for i := range sc.Hosts {
		y = (&panel{b: &b, sc: sc, r: r, host: i, top: y + 30, length: length}).draw()
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func campaignsOf(sc *Scenario, host string) []int {
	var is []int
	for i := range sc.Campaigns {
		if sc.Campaigns[i].Host == host {
			is = append(is, i)
		}
	}
	return is
}

// panel is the part of the picture that is about one host.
type panel struct {
	b      *bytes.Buffer
	sc     *Scenario
	r      *Report
	host   int
	top    float64
	length time.Duration
}

func (p *panel) x(at time.Duration) float64 {
	return left + plotWidth*min(1, float64(at)/float64(p.length))
}

func (p *panel) y(n, most int) float64 {
	return p.top + plotHeight*(1-float64(n)/float64(max(most, 1)))
}

// draw returns where the next panel may begin.
func (p *panel) draw() float64 {
	h := &p.sc.Hosts[p.host]
	campaigns := campaignsOf(p.sc, h.Name)
	most := 1
	for _, c := range campaigns {
		most = max(most, p.sc.Campaigns[c].Count)
	}
	fmt.Fprintf(p.b, `<text class="name" x="%.0f" y="%.1f">%s</text>`, left, p.top-8, html.EscapeString(h.Name))
	for _, o := range h.Outages {
		if o.At < p.length {
			fmt.Fprintf(p.b, `<rect class="out" x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>`, p.x(o.At), p.top,
				max(leastOfTheBars, p.x(o.At+o.For)-p.x(o.At)), plotHeight)
		}
	}
	p.axes(most)
	p.samples()
	for n, c := range campaigns {
		colour := lines[n%len(lines)]
		p.line(colour, "line came", most, func(s *Sample) int { return s.Accepted[c] })
		p.line(colour, "line", most, func(s *Sample) int { return s.Delivered[c] })
		if by := p.sc.Campaigns[c].DoneBy; by > 0 {
			fmt.Fprintf(p.b, `<path class="by" stroke="%s" d="M%.1f %.1fv%.0f"><title>%s: all by %s</title></path>`, colour, p.x(by), p.top,
				plotHeight, html.EscapeString(p.sc.Campaigns[c].Flow), p.r.clock(by))
		}
		f, y := &p.r.Flows[c], p.top+plotHeight+stripHeight+34+keyLine*float64(n)
		fmt.Fprintf(p.b, `<rect x="%.0f" y="%.1f" width="14" height="3" fill="%s"/>`, left, y-4, colour)
		fmt.Fprintf(p.b, `<text x="%.0f" y="%.1f">%s: %d of %d delivered, 99 %% within %s, %d × 429</text>`+"\n", left+20, y,
			html.EscapeString(f.Flow), f.Delivered, p.sc.Campaigns[c].Count, short(f.P99), f.Refused)
	}
	return p.top + plotHeight + stripHeight + panelGap - 30 + keyLine*float64(len(campaigns))
}

// steps are the distances between instants that people read with ease.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// mostInstants is how many instants fit below a plot.
const mostInstants = 8

// step is the distance between the instants of a plot of a length.
func step(length time.Duration) time.Duration {
	for _, s := range steps {
		if length <= mostInstants*s {
			return s
		}
	}
	return (length / mostInstants).Round(24 * time.Hour)
}

// instant is the time of day, where a day is short enough for that to say all.
func (p *panel) instant(at, step time.Duration) string {
	layout := "15:04"
	switch {
	case p.length > 24*time.Hour:
		layout = "Jan 2 15:04"
	case step < time.Minute:
		layout = time.TimeOnly
	}
	return p.r.Start.Add(at).UTC().Format(layout)
}

// axes draws the frame, with some instants and the two ends of the count.
func (p *panel) axes(most int) {
	fmt.Fprintf(p.b, `<rect class="frame" x="%.0f" y="%.1f" width="%.0f" height="%.0f"/>`, left, p.top, plotWidth, plotHeight)
	step := step(p.length)
	for at := time.Duration(0); at <= p.length; at += step {
		x := p.x(at)
		fmt.Fprintf(p.b, `<path class="grid" d="M%.1f %.1fv%.0f"/>`, x, p.top, plotHeight)
		fmt.Fprintf(p.b, `<text class="faint mid" x="%.1f" y="%.1f">%s +%s</text>`, x, p.top+plotHeight+stripHeight+14, p.instant(at, step), short(at))
	}
	fmt.Fprintf(p.b, `<text class="faint end" x="%.0f" y="%.1f">%d</text>`, left-6, p.top+8, most)
	fmt.Fprintf(p.b, `<text class="faint end" x="%.0f" y="%.1f">0</text>`+"\n", left-6, p.top+plotHeight)
}

// samples draws when the breaker was not closed, and below the plot the share of refused calls.
func (p *panel) samples() {
	ground := p.top + plotHeight + stripHeight
	was := time.Duration(0)
	for i := range p.r.Timeline {
		s := &p.r.Timeline[i]
		x, w := p.x(was), max(leastOfTheBars, p.x(s.At)-p.x(was))
		if s.Open[p.host] {
			fmt.Fprintf(p.b, `<rect class="open" x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>`, x, p.top, w, plotHeight)
		}
		if s.Refused[p.host] > 0 {
			part := float64(s.Refused[p.host]) / float64(max(s.Calls[p.host], 1))
			tall := max(leastOfTheBars, stripHeight*math.Sqrt(min(part, 1))) // a root: one in a hundred must be seen
			fmt.Fprintf(p.b, `<rect class="no" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x, ground-tall, w, tall)
		}
		was = s.At
	}
}

func (p *panel) line(colour, class string, most int, of func(*Sample) int) {
	fmt.Fprintf(p.b, `<path class="%s" stroke="%s" d="`, class, colour)
	for i := range p.r.Timeline {
		s := &p.r.Timeline[i]
		mark := 'L'
		if i == 0 {
			mark = 'M'
		}
		fmt.Fprintf(p.b, "%c%.1f %.1f", mark, p.x(s.At), p.y(of(s), most))
	}
	p.b.WriteString(`"/>`)
}
