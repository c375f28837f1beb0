package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Limits on what is stored about an image. Upload's own limits are below them;
// these keep a row's size bounded whoever speaks.
const (
	MaxNameBytes        = 255
	MaxContentTypeBytes = 127 // RFC 6838, section 4.2
	MaxCodeBytes        = 64
	MaxDetailBytes      = 512
	MaxPlaceholderBytes = 128
	MaxTextBytes        = 255 // each text about the camera
	MaxRenditions       = 16
	MaxCaptionBytes     = 8 << 10
	MaxKeywords         = 100
	MaxKeywordBytes     = 400
	maxSide             = 1 << 20        // pixels
	maxOffset           = 18 * time.Hour // from UTC; ISO 8601 and Java allow no more
	sha256Hex           = 64
)

// checkExpected names every wrong part of a request, up to maxFields.
func checkExpected(req catalogapi.ExpectRequest) error {
	if len(req.Images) > catalogapi.MaxExpect {
		return invalid(fault.Field{
			Pointer: "/images", Code: "too_many",
			Detail: fmt.Sprintf("At most %d images may be announced at once.", catalogapi.MaxExpect),
		})
	}
	var wrong []fault.Field
	for i, e := range req.Images {
		if member := wrongMember(e); member != "" && len(wrong) < maxFields {
			wrong = append(wrong, fault.Field{
				Pointer: fmt.Sprintf("/images/%d/%s", i, member), Code: "invalid", Detail: "The " + member + " is not valid.",
			})
		}
	}
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	return nil
}

const maxFields = 20

func invalid(fields ...fault.Field) error {
	return &fault.Error{Kind: fault.Invalid, Code: "validation_failed", Detail: fields[0].Detail, Fields: fields}
}

func wrongMember(e catalogapi.Expected) string {
	switch {
	case !identity.ValidImageID(e.ID):
		return "id"
	case e.Name == "" || len(e.Name) > MaxNameBytes || !utf8.ValidString(e.Name):
		return "name"
	case !ownKey(e.ID, e.Key):
		return "key"
	case e.Size < 0:
		return "size"
	case e.ContentType == "" || len(e.ContentType) > MaxContentTypeBytes || !utf8.ValidString(e.ContentType):
		return "content_type"
	case e.SHA256 != "" && !validSHA256(e.SHA256):
		return "sha256"
	case e.Width < 0 || e.Width > maxSide:
		return "width"
	case e.Height < 0 || e.Height > maxSide:
		return "height"
	default:
		return ""
	}
}

// checkManifest refuses a manifest that cannot be this image's, and returns it
// with what people typed and cameras wrote cut to size: that is no reason to
// lose an image. A key is believed only if it is made from the image's own id,
// since a purge deletes what it names.
func checkManifest(m contract.Manifest) (contract.Manifest, error) {
	_, ownerOK := identity.ParseOwner(m.Owner)
	wrong := ""
	switch {
	case !identity.ValidImageID(m.ID):
		wrong = "id"
	case !ownerOK:
		wrong = "owner"
	case !ownKey(m.ID, m.Key):
		wrong = "key"
	case !validSHA256(m.SHA256):
		wrong = "sha256"
	case m.Size < 0 || m.Width < 0 || m.Height < 0 || m.Width > maxSide || m.Height > maxSide:
		wrong = "size"
	case !validYear(m.CreatedAt.UTC()) || m.CreatedAt.IsZero():
		wrong = "created_at"
	case !ownRenditions(m):
		wrong = "renditions"
	case !ownMotion(m):
		wrong = "motion"
	}
	if wrong != "" {
		return m, fault.Newf(fault.Invalid, "manifest_invalid", "The %s of the manifest is not valid.", wrong)
	}
	return trimmed(m), nil
}

func trimmed(m contract.Manifest) contract.Manifest {
	m.Album = contract.CleanAlbum(m.Album)
	m.Name, m.ContentType = cut(m.Name, MaxNameBytes), cut(m.ContentType, MaxContentTypeBytes)
	if len(m.Placeholder) > MaxPlaceholderBytes || !utf8.ValidString(m.Placeholder) {
		m.Placeholder = ""
	}
	for _, text := range []*string{&m.Camera.Make, &m.Camera.Model, &m.Camera.Lens, &m.Camera.ExposureTime} {
		*text = cut(*text, MaxTextBytes)
	}
	m.Preview, m.Caption = cut(m.Preview, MaxCodeBytes), cut(m.Caption, MaxCaptionBytes)
	m.Keywords = slices.Clone(m.Keywords[:min(len(m.Keywords), MaxKeywords)])
	for i := range m.Keywords {
		m.Keywords[i] = cut(m.Keywords[i], MaxKeywordBytes)
	}
	if m.Rating < 0 || m.Rating > 5 {
		m.Rating = 0
	}
	if !event.ValidTraceParent(m.TraceParent) {
		m.TraceParent = ""
	}
	if m.TakenOffset != nil && time.Duration(max(*m.TakenOffset, -*m.TakenOffset))*time.Minute > maxOffset {
		m.TakenOffset = nil
	}
	return m
}

// ownKey reports whether key is an original's key made from id.
func ownKey(id, key string) bool {
	if len(key) > blob.MaxKeyBytes || !strings.HasPrefix(key, contract.PrefixOriginals) || !utf8.ValidString(key) {
		return false
	}
	base := key[strings.LastIndex(key, "/")+1:]
	return !strings.Contains(key, "/../") && !strings.Contains(key, "/./") &&
		(base == id || strings.HasPrefix(base, id+"."))
}

func ownRenditions(m contract.Manifest) bool {
	if len(m.Renditions) > MaxRenditions {
		return false
	}
	for _, r := range m.Renditions {
		if len(r.Name) > MaxCodeBytes || len(r.Key) > blob.MaxKeyBytes || len(r.ContentType) > MaxContentTypeBytes ||
			!strings.HasPrefix(r.Key, contract.PrefixRenditions+m.ID+"/") || strings.Contains(r.Key, "/../") {
			return false
		}
	}
	return true
}

// ownMotion: the moving part is a range of one of the image's own objects.
func ownMotion(m contract.Manifest) bool {
	v := m.Motion
	return v == nil || ownKey(m.ID, v.Key) && v.Offset >= 0 && v.Length > 0 && len(v.ContentType) <= MaxContentTypeBytes &&
		utf8.ValidString(v.ContentType) && (v.Key != m.Key || v.Offset < m.Size && v.Length <= m.Size-v.Offset)
}

func validSHA256(s string) bool {
	return len(s) == sha256Hex && strings.Trim(s, "0123456789abcdef") == ""
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
