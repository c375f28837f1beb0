package uploadapi

import "time"

// PathReceipts takes POST ReceiptRequest and answers with a Receipt.
const PathReceipts = "/v1/receipts"

// ReceiptVersion is the version of a receipt's form.
const ReceiptVersion = 1

// Limits of a receipt.
const (
	MaxReceipt      = 1000     // images
	MaxReceiptBytes = 64 << 10 // of the request
)

// ReceiptRequest asks what is stored of images.
type ReceiptRequest struct {
	IDs []string `json:"ids"` // one that comes again counts once
}

// Receipt says what is stored, so that anybody can check it later against the
// files at home and against the bucket.
type Receipt struct {
	Version int           `json:"version"` // ReceiptVersion
	MadeAt  time.Time     `json:"made_at"`
	Files   []ReceiptFile `json:"files"` // in the order asked for
	// Missing lists the ids that have no stored image of the asking owner.
	Missing []string `json:"missing,omitempty"`
}

// ReceiptFile is one stored original.
type ReceiptFile struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256"` // lower-case hexadecimal
	CRC32C     string `json:"crc32c"` // base64 of the big-endian bytes, as Cloud Storage writes it
	Generation int64  `json:"generation,string"`
}
