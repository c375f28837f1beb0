package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"mime"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// Receipts is the core for who wants to know what is stored.
type Receipts interface {
	Receipt(ctx context.Context, owner identity.Owner, ids []string) (stored []contract.Manifest, missing []string, err error)
}

var errReceiptType = fault.New(fault.Unsupported, "unsupported_media_type", "The request for a receipt must be application/json.")

// receipts answers POST /v1/receipts.
type receipts struct{ core Receipts }

// ServeHTTP says what is stored of the images asked for.
func (h *receipts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := h.receipt(r)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, out)
}

func (h *receipts) receipt(r *http.Request) (uploadapi.Receipt, error) {
	owner, err := ownerOf(r)
	if err != nil {
		return uploadapi.Receipt{}, err
	}
	req, err := decodeReceipt(r)
	if err != nil {
		return uploadapi.Receipt{}, err
	}
	stored, missing, err := h.core.Receipt(r.Context(), owner, req.IDs)
	if err != nil {
		return uploadapi.Receipt{}, err
	}
	out := uploadapi.Receipt{Version: uploadapi.ReceiptVersion, MadeAt: time.Now().UTC(), Missing: missing, Files: make([]uploadapi.ReceiptFile, len(stored))}
	for i, m := range stored {
		out.Files[i] = receiptFile(m)
	}
	return out, nil
}

func decodeReceipt(r *http.Request) (uploadapi.ReceiptRequest, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return uploadapi.ReceiptRequest{}, errReceiptType
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return uploadapi.ReceiptRequest{}, err
	}
	return kitx.DecodeJSON[uploadapi.ReceiptRequest](r, uploadapi.MaxReceiptBytes)
}

func receiptFile(m contract.Manifest) uploadapi.ReceiptFile {
	crc := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, m.CRC32C))
	return uploadapi.ReceiptFile{ID: m.ID, Name: m.Name, Size: m.Size, SHA256: m.SHA256, CRC32C: crc, Generation: m.Generation}
}
