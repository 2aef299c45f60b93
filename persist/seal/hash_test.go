package seal

import "testing"

func TestAHashTellsTextsApartOnlyByItsKey(t *testing.T) {
	s := testKey(t, 7).Sealer("test")
	again, other, elsewhere := testKey(t, 7).Sealer("test"), testKey(t, 8).Sealer("test"), testKey(t, 7).Sealer("other")
	if s.Hash("a") != again.Hash("a") {
		t.Error("the same key and text make another hash")
	}
	for name, sum := range map[string][32]byte{
		"another text": s.Hash("b"), "another key": other.Hash("a"), "another purpose": elsewhere.Hash("a"),
	} {
		if sum == s.Hash("a") {
			t.Errorf("%s makes the same hash", name)
		}
	}
}
