package httpapi

import (
	"mime"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

var errReceiptType = fault.New(fault.Unsupported, "unsupported_media_type", "The ids for a receipt must be sent as application/json.")

// decodeReceipt is for POST /api/v1/receipts, which only reads: a thousand ids
// are more than a query may have.
func decodeReceipt(r *http.Request) (uploadapi.ReceiptRequest, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return uploadapi.ReceiptRequest{}, errReceiptType
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return uploadapi.ReceiptRequest{}, err
	}
	return kitx.DecodeJSON[uploadapi.ReceiptRequest](r, uploadapi.MaxReceiptBytes)
}
