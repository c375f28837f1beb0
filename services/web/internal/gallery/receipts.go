package gallery

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// Receipt says what is stored of the owner's images: what can be compared with
// the files at home now, and with the store at any time later. An image that is
// still being processed is missing yet.
func (s *Service) Receipt(ctx context.Context, req uploadapi.ReceiptRequest) (uploadapi.Receipt, error) {
	receipt, err := s.uploader.Receipt(ctx, req)
	if receipt.Files == nil {
		receipt.Files = []uploadapi.ReceiptFile{}
	}
	return receipt, err
}
