package circuit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// eventful is a breaker of each scope with everything that a snapshot can hold.
func eventful(t *testing.T, scope Scope) (*Breaker, time.Time) {
	t.Helper()
	b := New(Config{Scope: scope, MinRequests: 4})
	now := start
	for passes(b, apac, now) {
		callOf(t, b, eu, now, Success)
		callOf(t, b, us, now, Success)
		callOf(t, b, apac, now, Failure)
	}
	now = now.Add(time.Second)
	for passes(b, eu, now) {
		callOf(t, b, eu, now, Unreachable)
	}
	now = now.Add(time.Second)
	b.Force(now, Open)
	return b, now
}

// TestSnapshotsStayReadable holds what has been written: the files are never changed, and there is one for every version.
func TestSnapshotsStayReadable(t *testing.T) {
	for name, c := range map[string]struct {
		scope Scope
		want  func(v View) bool
	}{
		"v1.json": {Host, func(v View) bool {
			return v.State == Open && v.OpenUntil.Equal(start.Add(30*time.Second)) && v.CoolDown == 30*time.Second
		}},
		"v2-host.json": {Host, func(v View) bool {
			return v.State == Open && v.Forced && len(v.Parts) == 2 && len(v.Changes) == 3
		}},
		"v2-tenant.json": {HostTenant, func(v View) bool {
			return v.State == Open && v.Forced && len(v.Parts) == 3 && len(v.Changes) == 3
		}},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var s Snapshot
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b := New(Config{Scope: c.scope})
		b.Restore(s, start.Add(time.Second))
		if v := b.View(start.Add(time.Second)); !c.want(v) {
			t.Errorf("%s is restored as %+v", name, v)
		}
	}
}

func TestASnapshotIsWrittenAsTheGoldenFileHasIt(t *testing.T) {
	for name, scope := range map[string]Scope{"v2-host.json": Host, "v2-tenant.json": HostTenant} {
		b, _ := eventful(t, scope)
		got, err := json.MarshalIndent(b.Snapshot(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil || string(got)+"\n" != string(want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

func TestARestartKeepsPartsForcesAndChanges(t *testing.T) {
	for _, scope := range []Scope{Host, HostTenant} {
		b, now := eventful(t, scope)
		restored := New(b.cfg)
		restored.Restore(b.Snapshot(), now)
		if is, was := restored.View(now).Changes, b.View(now).Changes; len(is) != len(was) || is[1].Transition != was[1].Transition {
			t.Errorf("scope %v: changes %+v, were %+v", scope, is, was)
		}
		if passes(restored, us, now) {
			t.Errorf("scope %v: what an operator opened is closed", scope)
		}
		b.Force(now, 0)
		restored.Force(now, 0)
		for _, of := range []Part{eu, us, apac} {
			if is, was := restored.ReadyAt(now, of).Round(0), b.ReadyAt(now, of).Round(0); !is.Equal(was) {
				t.Errorf("scope %v: %+v is ready at %v, was at %v", scope, of, is, was)
			}
		}
		if is, was := restored.Snapshot(), b.Snapshot(); !reflect.DeepEqual(is.Parts, was.Parts) {
			t.Errorf("scope %v: parts %+v, were %+v", scope, is.Parts, was.Parts)
		}
	}
}

func FuzzRestoreNeverWedges(f *testing.F) {
	for _, name := range []string{"v1.json", "v2-host.json", "v2-tenant.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text []byte, tenants bool) {
		var s Snapshot
		if json.Unmarshal(text, &s) != nil {
			return
		}
		cfg := Config{}
		if tenants {
			cfg.Scope = HostTenant
		}
		b := New(cfg)
		b.Restore(s, start)
		b.Force(start, 0)
		for _, of := range []Part{eu, us, apac, {}} {
			if wait := b.ReadyAt(start, of).Sub(start); wait > DefaultCoolDownMax {
				t.Errorf("%+v waits %v", of, wait)
			}
		}
		b.Snapshot()
		b.View(start)
	})
}
