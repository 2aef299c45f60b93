package real

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAnswersStandInTheOrderInWhichCallsArrived(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.log")
	text := "1000.500 0.500 200 slow\n1000.250 0.000 429 refused\n1000.750000 0.25 503 -\n1000.9 0.1 200 not-yet-who"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readAnswers(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Answer{
		{At: time.UnixMilli(1000_000), Took: 500 * time.Millisecond, Status: 200, ID: "slow"},
		{At: time.UnixMilli(1000_250), Status: 429, ID: "refused"},
		{At: time.UnixMilli(1000_500), Took: 250 * time.Millisecond, Status: 503, ID: "-"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d: the last line is not whole", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("answer %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestNotesThatAreNotThereYetHoldNoAnswers(t *testing.T) {
	got, err := readAnswers(filepath.Join(t.TempDir(), "answers.log"))
	if len(got) != 0 || err != nil {
		t.Errorf("%d answers, %v, want none of either", len(got), err)
	}
}

func TestALineThatIsNoAnswerIsAnError(t *testing.T) {
	for _, line := range []string{"", "1 2 200", "1 2 200 id more", "x 2 200 id", "1 x 200 id", "1 2 OK id"} {
		if a, err := parseAnswer(line); err == nil {
			t.Errorf("%q was read as %+v", line, a)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add("1795301220.961895 0.001 200 01KAM\n")
	f.Add("- - 200 -")
	f.Fuzz(func(t *testing.T, line string) {
		if a, err := parseAnswer(line); err == nil && a.ID == "" {
			t.Errorf("%q has no id", line)
		}
	})
}
