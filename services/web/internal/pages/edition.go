package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// edition is the templates in one language.
type edition struct {
	tag       string
	messages  *catalogue
	templates *template.Template
}

func newEdition(from fs.FS, tag string, current func() *assets) (*edition, error) {
	messages, err := loadCatalogue(from, tag)
	if err != nil {
		return nil, err
	}
	e := &edition{tag: tag, messages: messages}
	e.templates, err = template.New("").Option("missingkey=error").Funcs(e.funcs(current)).ParseFS(from, "templates/*.html")
	return e, err
}

// funcs is everything a template can call. The functions say nothing that
// depends on who is asking.
func (e *edition) funcs(current func() *assets) template.FuncMap {
	c := e.messages
	return template.FuncMap{
		"t":           c.text,
		"messages":    c.forScript,
		"fault":       e.fault,
		"failureOf":   func(f Figure) Failure { return Failure{Code: f.FailCode, Detail: f.FailDetail} },
		"monthName":   c.monthName,
		"monthShort":  c.monthShort,
		"dayName":     c.dayName,
		"dateTime":    c.dateTime,
		"dateOnly":    c.dateOnly,
		"offset":      offset,
		"utc":         func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") },
		"bytes":       byteSize,
		"number":      decimal,
		"coordinates": e.coordinates,
		"months":      byMonth,
		"years":       byYear,
		"source":      source,
		"display":     display,
		"shape":       shape,
		"asset":       func(name string) string { return current().url(name) },
		"styles":      func() []string { return current().styles },
		"script":      func() string { return current().script },
		"hasher":      func() string { return current().hasher() },
		"add":         func(a, b int) int { return a + b },
		"minutes":     func(seconds int) int { return (seconds + 59) / 60 },
	}
}

// fault is the sentence for a failure: the translation for its code, else in
// English the sentence it brought, else the one for its status.
func (e *edition) fault(f Failure) (string, error) {
	if _, ok := e.messages.byID[faultPrefix+f.Code]; ok {
		return e.messages.text(faultPrefix + f.Code)
	}
	if e.tag == fallback && f.Detail != "" {
		return f.Detail, nil
	}
	if f.Status >= 500 {
		return e.messages.text("fault.internal")
	}
	return e.messages.text("fault.invalid")
}

// coordinates writes a place as text, with the hemispheres in words.
func (e *edition) coordinates(latitude, longitude float64) (string, error) {
	ns, ew := "place.north", "place.east"
	if latitude < 0 {
		ns, latitude = "place.south", -latitude
	}
	if longitude < 0 {
		ew, longitude = "place.west", -longitude
	}
	a, err := e.messages.text(ns, "degrees", strconv.FormatFloat(latitude, 'f', 4, 64))
	if err != nil {
		return "", err
	}
	b, err := e.messages.text(ew, "degrees", strconv.FormatFloat(longitude, 'f', 4, 64))
	return a + ", " + b, err
}

// byteSize writes a size with decimal units, as cameras and shops do.
func byteSize(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 || value >= 99.95 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// decimal writes a number without needless digits: 1.8, 26.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// monthGroup and dayGroup are the grid's headings.
type monthGroup struct {
	Month string // 2006-01
	Days  []dayGroup
}

type dayGroup struct {
	Day       string // 2006-01-02
	Continued bool   // its heading is on the page already
	Figures   []Figure
}

// byMonth groups a run of pictures under its days and months, newest first.
// The timeline is ordered by instant and the headings by the capture's own
// day, so near midnight a day can come back; it is put with its first part.
func byMonth(g Grid) []monthGroup {
	figures := slices.Clone(g.Figures)
	slices.SortStableFunc(figures, func(a, b Figure) int { return cmp.Compare(dayOf(b), dayOf(a)) })
	var out []monthGroup
	for _, f := range figures {
		day := dayOf(f)
		month := day[:len("2006-01")]
		if len(out) == 0 || out[len(out)-1].Month != month {
			out = append(out, monthGroup{Month: month})
		}
		days := &out[len(out)-1].Days
		if len(*days) == 0 || (*days)[len(*days)-1].Day != day {
			*days = append(*days, dayGroup{Day: day, Continued: day == g.After})
		}
		last := &(*days)[len(*days)-1]
		last.Figures = append(last.Figures, f)
	}
	return out
}

func dayOf(f Figure) string { return f.TakenAt.Format(time.DateOnly) }

// yearGroup is a year of the month navigation.
type yearGroup struct {
	Year   string
	Count  int64
	Months []Month
}

func byYear(months []Month) []yearGroup {
	var out []yearGroup
	for _, m := range months {
		year, _, _ := strings.Cut(m.Month, "-")
		if len(out) == 0 || out[len(out)-1].Year != year {
			out = append(out, yearGroup{Year: year})
		}
		last := &out[len(out)-1]
		last.Count += m.Count
		last.Months = append(last.Months, m)
	}
	return out
}

// source is the rendition of that name, or an empty one.
func source(f Figure, name string) Source {
	for _, s := range f.Renditions {
		if s.Name == name {
			return s
		}
	}
	return Source{}
}

// display is the address of what fills a screen: the animation itself, else
// the largest rendition, else the original.
func display(f Figure) string {
	if f.Animated && f.Viewable || len(f.Renditions) == 0 {
		return f.OriginalURL
	}
	return slices.MaxFunc(f.Renditions, func(a, b Source) int { return cmp.Compare(a.Width, b.Width) }).URL
}

// shape is the width and height that hold a picture's place in the grid. What
// is not known yet is 4:3, and panoramas and towers are held within 3:1.
func shape(f Figure) Source {
	w, h := f.Width, f.Height
	if w <= 0 || h <= 0 {
		return Source{Width: 400, Height: 300}
	}
	if w > 3*h {
		w = 3 * h
	}
	if h > 2*w {
		h = 2 * w
	}
	return Source{Width: w, Height: h}
}
