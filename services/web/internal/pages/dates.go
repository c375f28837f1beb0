package pages

import (
	"strconv"
	"time"
)

// Go's time package writes English only, so the patterns and the names of
// months and weekdays are messages.

// monthName is a heading such as "May 2026" from "2026-05".
func (c *catalogue) monthName(month string) (string, error) {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return "", err
	}
	return c.dated("date.month", t)
}

// monthShort is the month alone, such as "May", from "2026-05".
func (c *catalogue) monthShort(month string) (string, error) {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return "", err
	}
	return c.dated("date.month_only", t)
}

// dayName is a heading such as "Saturday, 2 May".
func (c *catalogue) dayName(t time.Time) (string, error) { return c.dated("date.day", t) }

// dateTime is a moment on its own zone's clock, such as "2 May 2026, 14:05".
func (c *catalogue) dateTime(t time.Time) (string, error) { return c.dated("date.time", t) }

// dateOnly is a day with its year.
func (c *catalogue) dateOnly(t time.Time) (string, error) { return c.dated("date.full", t) }

func (c *catalogue) dated(pattern string, t time.Time) (string, error) {
	month, err := c.text("month." + strconv.Itoa(int(t.Month())))
	if err != nil {
		return "", err
	}
	weekday, err := c.text("weekday." + strconv.Itoa(int(t.Weekday())))
	if err != nil {
		return "", err
	}
	return c.text(pattern, "year", t.Format("2006"), "month", month, "m", t.Format("1"),
		"day", t.Format("2"), "weekday", weekday, "clock", t.Format("15:04"))
}

// offset is a zone as "UTC+09:00".
func offset(t time.Time) string { return "UTC" + t.Format("-07:00") }
