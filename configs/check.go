package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// checker collects faults. While a file is read it also knows where each path stands in it and how its value was
// written, so that a check need only name the path.
type checker struct {
	file   string
	places map[string]place
	faulty map[string]bool // paths that have a fault already: one is enough, the next would be its echo
	faults Faults
}

// place is where a value stands in the file.
type place struct {
	line, column int
	written      string // scalars only
}

func newChecker(file string) *checker {
	return &checker{file: file, places: map[string]place{}, faulty: map[string]bool{}}
}

// fail records a fault of the value at path, unless it has one.
func (k *checker) fail(path string, value any, problem, want string) {
	if k.faulty[path] {
		return
	}
	at, given := k.places[path]
	shown := fmt.Sprint(value)
	if given && at.written != "" {
		shown = at.written
	}
	k.failAt(k.nearest(path), path, shown, problem, want)
}

// failName records a fault of a name that the user chose as a key; the value behind it is not what is wrong.
func (k *checker) failName(path, name, problem, want string) {
	if k.sound(path) {
		k.failAt(k.nearest(path), path, name, problem, want)
	}
}

// missing records that a key of a section is not there though it must be.
func (k *checker) missing(path, want string) {
	if parent := path[:strings.LastIndexByte(path, '.')]; k.sound(path, parent) {
		k.failAt(k.nearest(path), path, "", "is missing", want)
	}
}

func (k *checker) failAt(at place, path, value, problem, want string) {
	k.faulty[path] = true
	k.faults = append(k.faults, Fault{
		File: k.file, Line: at.line, Column: at.column, Path: path,
		Value: shorten(value), Problem: problem, Want: want,
	})
}

// nearest returns where a path stands, or, when it was not given, what it would have stood in.
func (k *checker) nearest(path string) place {
	for {
		if at, ok := k.places[path]; ok {
			return at
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return k.places[""]
		}
		path = path[:cut]
	}
}

// sound reports whether none of the paths has a fault, so that comparing them makes sense.
func (k *checker) sound(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool { return k.faulty[path] })
}

// given reports whether a value was stated: by the file being read, or, without one, by not being zero.
func (k *checker) given(path string, zero bool) bool {
	return !zero || k.inFile(path)
}

// inFile reports whether the file being read states a value for path.
func (k *checker) inFile(path string) bool {
	_, ok := k.places[path]
	return ok
}

// err returns the faults in the order of the file, or nil.
func (k *checker) err() error {
	if len(k.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(k.faults, compareFaults)
	return k.faults
}

// within checks that low <= value <= high.
func within[T cmp.Ordered](k *checker, path string, value, low, high T) {
	switch want := fmt.Sprintf("%v to %v", low, high); {
	case value < low:
		k.fail(path, value, "is too small", want)
	case value > high:
		k.fail(path, value, "is too large", want)
	}
}

// oneOf checks that value is one of some words.
func oneOf(k *checker, path, value string, words ...string) {
	if slices.Contains(words, value) {
		return
	}
	k.fail(path, value, "is not known"+didYouMean(nearest(value, words)), "one of "+strings.Join(words, ", "))
}
