package matrix

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// The picture's measures, in pixels.
const (
	panelWidth, panelHeight = 290.0, 240.0
	plotLeft, plotTop       = 50.0, 46.0 // of the plot within its panel
	plotWidth, plotHeight   = 226.0, 136.0
	zeroWidth               = 30.0 // of the column for senders that were never refused
	zeroGap                 = 12.0
	headHeight              = 74.0
	panelColumns            = 4
	margin                  = 16.0
	footHeight              = 8.0
)

// The ends of the axes: shares of refused calls below leastShare are drawn there, and uses above mostUse there.
const (
	leastShare = 0.0001
	mostUse    = 1.05
)

// mark is how a sender is drawn: a path that begins at its point, in one of the picture's colours.
type mark struct {
	class string
	path  string // relative; a dot where it is empty
}

var marks = []mark{
	{class: "a"},
	{class: "b", path: "m-3-3h6v6h-6z"},
	{class: "c", path: "m0-4l3.6 6.4h-7.2z"},
	{class: "d", path: "m0-4.2l3.4 4.2-3.4 4.2-3.4-4.2z"},
	{class: "e", path: "m-3-3l6 6m0-6l-6 6"},
}

// style has the colours for light pages and for dark ones, of like lightness within each, so that no sender stands out
// but by its place. Renderers that know no media queries take the light ones.
const style = `<style>
text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.title{font-size:20px;font-weight:600}.name{font-size:12px;font-weight:600}.faint{fill:#59636e}
.mid{text-anchor:middle}.end{text-anchor:end}
.ground{fill:#fff}.held{fill:#dafbe1}.grid{stroke:#d1d9e0;fill:none}.frame{stroke:#59636e;fill:none}
.a{stroke:#0969da;stroke-width:6.5;stroke-linecap:round;stroke-opacity:.8;fill:none}
.b{fill:#bf8700}.c{fill:#d1242f}.d{fill:#8250df}.e{stroke:#57606a;stroke-width:1.6;fill:none}
.b,.c,.d,.e{opacity:.55}
@media(prefers-color-scheme:dark){
text{fill:#f0f6fc}.faint{fill:#9198a1}
.ground{fill:#0d1117}.held{fill:#12331d}.grid{stroke:#30363d}.frame{stroke:#9198a1}
.a{stroke:#58a6ff}.b{fill:#e3b341}.c{fill:#ff7b72}.d{fill:#bc8cff}.e{stroke:#b1bac4}
}
</style>
`

// Draw draws outcomes, of which there is at least one, as an SVG: row by row, what share of the best's use every
// sender reached against the share of its calls that was refused, a mark a cell, by the median of the seeds.
func Draw(outcomes []Outcome) []byte {
	rows := Rows()
	bands := (len(rows) + panelColumns) / panelColumns // with a place for the key
	width := 2*margin + panelColumns*panelWidth
	height := headHeight + float64(bands)*panelHeight + footHeight
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img"`,
		width, height, width, height)
	fmt.Fprintf(&b, ` aria-label="%s">`+"\n",
		"Use of the allowance against the share of refused calls, for Sluice and other ways of sending")
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="ground" width="%.0f" height="%.0f"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="title" x="%.0f" y="34">%s</text>`+"\n", margin+4,
		"How much of a limit is used, and how often it says no")
	fmt.Fprintf(&b, `<text class="faint" x="%.0f" y="56">Each mark is one sender at one of %d simulated destinations. `+
		`Up is better: 1 is what a sender gets that knows the future. Left is better: fewer calls refused.</text>`+"\n",
		margin+4, len(outcomes))
	for i, row := range rows {
		x, y := place(i)
		fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", x, y)
		drawPanel(&b, row, outcomes)
		b.WriteString("</g>\n")
	}
	x, y := place(len(rows))
	fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", x, y)
	drawKey(&b, outcomes)
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// place is the corner of the i-th panel.
func place(i int) (x, y float64) {
	return margin + float64(i%panelColumns)*panelWidth, headHeight + float64(i/panelColumns)*panelHeight
}

func drawPanel(b *bytes.Buffer, row Row, outcomes []Outcome) {
	bar := row.bar()
	fmt.Fprintf(b, `<text class="name" x="%.0f" y="18">%s</text>`+"\n", plotLeft-38, html.EscapeString(row.String()))
	fmt.Fprintf(b, `<text class="faint" x="%.0f" y="34">%s</text>`+"\n", plotLeft-38, html.EscapeString(row.promise()))
	if bar.Use > 0 {
		fmt.Fprintf(b, `<rect class="held" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`+"\n", plotLeft, useAt(mostUse),
			shareAt(bar.Refused, 0)-plotLeft, useAt(bar.Use)-useAt(mostUse))
	}
	for _, use := range []float64{0, 0.5, 0.7, 0.8, 0.9, 1} {
		fmt.Fprintf(b, `<path class="grid" d="M%.0f %.1fh%.0f"/><text class="faint end" x="%.0f" y="%.1f">%g</text>`+"\n",
			plotLeft, useAt(use), plotWidth, plotLeft-5, useAt(use)+4, use)
	}
	fmt.Fprintf(b, `<text class="faint mid" x="%.1f" y="%.1f">0</text>`+"\n", plotLeft+zeroWidth/2, plotTop+plotHeight+15)
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.1, 1} {
		x := shareAt(share, 0)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %.0fv%.0f"/><text class="faint mid" x="%.1f" y="%.1f">%g%%</text>`+"\n",
			x, plotTop, plotHeight, x, plotTop+plotHeight+15, 100*share)
	}
	fmt.Fprintf(b, `<path class="frame" d="M%.0f %.0fv%.0fh%.0fm%.0f 0h%.0f"/>`+"\n", plotLeft, plotTop, plotHeight, zeroWidth,
		zeroGap, plotWidth-zeroWidth-zeroGap)
	fmt.Fprintf(b, `<text class="faint mid" x="%.1f" y="%.1f">calls answered 429</text>`+"\n", plotLeft+plotWidth/2,
		plotTop+plotHeight+31)
	fmt.Fprintf(b, `<text class="faint mid" transform="translate(%.1f %.1f)rotate(-90)">use</text>`+"\n", plotLeft-31,
		plotTop+plotHeight/2)
	drawMarks(b, row, outcomes)
}

// drawMarks draws one path for each sender, the first one on top.
func drawMarks(b *bytes.Buffer, row Row, outcomes []Outcome) {
	for sender := min(len(marks), len(outcomes[0].Trials[0].Results)) - 1; sender >= 0; sender-- {
		var path bytes.Buffer
		for i := range outcomes {
			o := &outcomes[i]
			if o.Row != row {
				continue
			}
			use, _ := o.Use(sender)
			share, _ := o.Refused(sender)
			x, y := shareAt(share, draw(uint64(sender), i, drawSpread)), useAt(use)
			fmt.Fprintf(&path, "M%.1f %.1f%s", x, y, marks[sender].shape())
		}
		if path.Len() > 0 {
			fmt.Fprintf(b, `<path class="%s" d="%s"/>`+"\n", marks[sender].class, path.String())
		}
	}
}

func (m *mark) shape() string {
	if m.path == "" {
		return "h0"
	}
	return m.path
}

// drawKey draws which mark is whose, and how to read the axes.
func drawKey(b *bytes.Buffer, outcomes []Outcome) {
	y := plotTop - 10
	for i, r := range outcomes[0].Trials[0].Results[:min(len(marks), len(outcomes[0].Trials[0].Results))] {
		fmt.Fprintf(b, `<path class="%s" d="M%.0f %.0f%s"/><text x="%.0f" y="%.0f">%s</text>`+"\n", marks[i].class,
			plotLeft, y, marks[i].shape(), plotLeft+12, y+4, html.EscapeString(r.Sender))
		y += 19
	}
	fmt.Fprintf(b, `<rect class="held" x="%.0f" y="%.0f" width="12" height="10"/>`, plotLeft-6, y-5)
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f">the bar of most cells</text>`+"\n", plotLeft+12, y+4)
	y += 24
	for _, line := range []string{
		"across: the share of calls refused, on a", "log scale; at 0, none at all (spread out)",
		"up: accepted calls ÷ the most possible,", "on a scale stretched towards 1",
	} {
		fmt.Fprintf(b, `<text class="faint" x="%.0f" y="%.0f">%s</text>`+"\n", plotLeft-6, y, line)
		y += 15
	}
}

// useAt is the height of a use: stretched towards 1, where the differences are that matter.
func useAt(use float64) float64 {
	u := min(max(use, 0), mostUse) / mostUse
	return plotTop + plotHeight*(1-u*u*u)
}

// shareAt is where a share of refused calls stands: on a log scale, or in a column of its own when it is zero, there
// spread by a number in [0, 1).
func shareAt(share, spread float64) float64 {
	if share <= 0 {
		const inset = 5
		return plotLeft + inset + (zeroWidth-2*inset)*spread
	}
	from := plotLeft + zeroWidth + zeroGap
	decades := -math.Log10(leastShare)
	return from + (plotWidth-zeroWidth-zeroGap)*(1+math.Log10(max(share, leastShare))/decades)
}

// promise is the row's bar in words.
func (r Row) promise() string {
	if r == Changing {
		return "90 % of the new limit soon; see the table"
	}
	bar := r.bar()
	return fmt.Sprintf("bar: use ≥ %g, refused ≤ %g %%", bar.Use, 100*bar.Refused)
}
