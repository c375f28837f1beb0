package imagemetadata

import (
	"strings"
	"time"
)

// earliest is when the first photograph was taken that is still there.
var earliest = time.Date(1826, 1, 1, 0, 0, 0, 0, time.UTC)

// ahead is how far in the future a date may be: clocks go wrong, and a camera
// that says no offset may be half a day ahead of UTC.
const ahead = 24 * time.Hour

// takenAt is when the picture was taken: the original date, else when it was
// digitised. The date of the last change is not used; the file's own is as good.
//
// A camera that recorded its offset from UTC gives an instant; without one the
// clock's reading is taken as UTC, and the offset stays unknown.
func (t tags) takenAt(now time.Time) (*time.Time, *int, string) {
	for _, names := range [][3]string{
		{"DateTimeOriginal", "SubSecTimeOriginal", "OffsetTimeOriginal"},
		{"CreateDate", "SubSecTimeDigitized", "OffsetTimeDigitized"},
	} {
		text := t.text(names[0])
		if isUnset(text) {
			continue
		}
		at, err := time.Parse("2006:01:02 15:04:05", strings.ReplaceAll(text, "-", ":"))
		if err != nil {
			return nil, nil, WarningUnreadable
		}
		at = at.Add(t.fraction(names[1]))
		offset := t.offset(names[2])
		if offset != nil {
			at = at.Add(-time.Duration(*offset) * time.Minute)
		}
		if at.Before(earliest) || at.After(now.Add(ahead)) {
			return nil, nil, WarningTakenAt
		}
		return &at, offset, ""
	}
	return nil, nil, ""
}

// isUnset reports whether a date is what cameras write whose clock was never set:
// spaces or zeros between the colons.
func isUnset(date string) bool { return strings.Trim(date, " :0") == "" }

// fraction is the part of a second. EXIF has it as digits after the point, of
// which imagemeta leaves a number, so that leading zeros are lost: it is taken as
// milliseconds, which nearly all telephones write. That may be wrong by less than
// a second and keeps a series of shots in order.
func (t tags) fraction(name string) time.Duration {
	v := t.number(name)
	for v >= 1000 {
		v /= 10
	}
	return time.Duration(max(v, 0)) * time.Millisecond
}

// offset is an offset from UTC in minutes, such as "+09:00"; nil where there is
// none, or none that any clock on earth has.
func (t tags) offset(name string) *int {
	text := t.text(name)
	if text == "Z" {
		text = "+00:00"
	}
	at, err := time.Parse("-07:00", text)
	if err != nil {
		return nil
	}
	_, seconds := at.Zone()
	minutes := seconds / 60
	if minutes < -12*60 || minutes > 14*60 {
		return nil
	}
	return &minutes
}
