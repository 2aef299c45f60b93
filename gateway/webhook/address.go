package webhook

import "github.com/sluice-gateway/sluice/persist/record"

// Address sets the host and the lane of a webhook that was made here, by its URL and its headers, as Parse does with
// those of definitions. It says nothing of whether the host may be called: that is checked when it is dialled. A URL that
// cannot be read leaves both as they are.
func (d *Defaults) Address(w *record.Webhook) {
	target, fault := locate(w.URL)
	if fault != nil {
		return
	}
	w.Host, w.LaneKey = target.Host, record.Digest{}
	if d.LaneBy != nil {
		w.LaneKey = d.LaneBy(target.Host).key(&d.Secret, w, target.Path, "")
	}
}
