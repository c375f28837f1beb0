package pages

import (
	"testing"
	"time"
)

func TestByMonthPutsEveryDayUnderOneHeading(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// In the timeline's order (by instant), whose local days are 2, 3, 2 May.
	g := Grid{After: "2026-05-03", Figures: []Figure{
		{ID: "a", TakenAt: at("2026-05-02T20:00:00Z")},
		{ID: "b", TakenAt: at("2026-05-03T01:00:00+09:00")},
		{ID: "c", TakenAt: at("2026-05-02T10:00:00Z")},
		{ID: "d", TakenAt: at("2026-04-30T10:00:00Z")},
	}}
	months := byMonth(g)
	if len(months) != 2 || len(months[0].Days) != 2 {
		t.Fatalf("months: %+v", months)
	}
	first, second := months[0].Days[0], months[0].Days[1]
	if first.Day != "2026-05-03" || !first.Continued || first.Figures[0].ID != "b" {
		t.Errorf("first day: %+v", first)
	}
	if second.Continued || len(second.Figures) != 2 || second.Figures[0].ID != "a" || second.Figures[1].ID != "c" {
		t.Errorf("second day: %+v", second)
	}
	if g.Figures[0].ID != "a" {
		t.Error("the view was changed")
	}
}

func TestByYear(t *testing.T) {
	years := byYear([]Month{{"2026-05", 2}, {"2026-01", 3}, {"2025-12", 1}})
	if len(years) != 2 || years[0].Year != "2026" || years[0].Count != 5 || len(years[0].Months) != 2 {
		t.Errorf("%+v", years)
	}
}

func TestShapeHoldsExtremes(t *testing.T) {
	for in, want := range map[[2]int][2]int{
		{400, 300}: {400, 300}, {0, 300}: {400, 300}, {300, -1}: {400, 300},
		{3000, 1000}: {3000, 1000}, {3001, 1000}: {3000, 1000}, {1000, 2000}: {1000, 2000}, {1000, 2001}: {1000, 2000},
	} {
		got := shape(Figure{Width: in[0], Height: in[1]})
		if [2]int{got.Width, got.Height} != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
}

func TestDisplayPrefersTheAnimationThenTheLargestRendition(t *testing.T) {
	f := figure("A", "ready")
	if got := display(f); got != "/media/A/original" {
		t.Errorf("animated: %s", got)
	}
	f.Viewable = false
	if got := display(f); got != "/media/A/w2048" {
		t.Errorf("animated, in a form that browsers do not show: %s", got)
	}
	f.Animated = false
	if got := display(f); got != "/media/A/w2048" {
		t.Errorf("still: %s", got)
	}
	f.Renditions = nil
	if got := display(f); got != "/media/A/original" {
		t.Errorf("without renditions: %s", got)
	}
}

func TestByteSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 4_812_331: "4.8 MB", 99_960_000: "100 MB", 999_600_000: "1.0 GB", 200e6: "200 MB"} {
		if got := byteSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestFaultSentences(t *testing.T) {
	p := newPages(t)
	for _, c := range []struct {
		language string
		failure  Failure
		want     string
	}{
		{"en", Failure{Code: "file_empty", Detail: "x"}, "The file is empty."},
		{"ko", Failure{Code: "file_empty", Detail: "x"}, "빈 파일입니다."},
		{"en", Failure{Code: "new_code", Detail: "A new sentence."}, "A new sentence."},
		{"ko", Failure{Code: "new_code", Detail: "A new sentence.", Status: 400}, "요청을 이해하지 못했습니다. 다시 시도해 주세요."},
		{"en", Failure{Code: "new_code", Status: 503}, "Something went wrong on our side. Please try again later."},
	} {
		got, err := p.edition(c.language).fault(c.failure)
		if err != nil || got != c.want {
			t.Errorf("%s %+v: %q %v, want %q", c.language, c.failure, got, err, c.want)
		}
	}
}

func TestCoordinates(t *testing.T) {
	p := newPages(t)
	for _, c := range []struct {
		language            string
		latitude, longitude float64
		want                string
	}{
		{"en", 37.5665, 126.978, "37.5665° N, 126.9780° E"},
		{"en", -33.8, -70.1, "33.8000° S, 70.1000° W"},
		{"ko", 37.5665, 126.978, "북위 37.5665°, 동경 126.9780°"},
	} {
		if got, err := p.edition(c.language).coordinates(c.latitude, c.longitude); err != nil || got != c.want {
			t.Errorf("%q %v, want %q", got, err, c.want)
		}
	}
}
