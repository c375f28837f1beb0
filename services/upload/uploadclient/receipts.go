package uploadclient

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// A receipt only reads, so it is asked for again when the service was away.
const (
	receiptWithin   = 12 * time.Second // all attempts
	receiptAttempts = 3
	receiptPause    = 100 * time.Millisecond
)

func receipts(target kitx.Target) kitx.UseCase[uploadapi.ReceiptRequest, uploadapi.Receipt] {
	encode := func(req uploadapi.ReceiptRequest) (string, url.Values, any) {
		if req.IDs == nil {
			req.IDs = []string{}
		}
		return uploadapi.PathReceipts, nil, req
	}
	return kitx.Client[uploadapi.ReceiptRequest, uploadapi.Receipt](target, http.MethodPost, encode,
		kitx.Deadline(receiptWithin), kitx.Retry(receiptAttempts, receiptPause))
}

// Receipt asks what is stored of the images of the acting owner.
func (c *Client) Receipt(ctx context.Context, req uploadapi.ReceiptRequest) (uploadapi.Receipt, error) {
	return c.receipt(ctx, req)
}
