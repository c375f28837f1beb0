package ingest

import (
	"context"
	"errors"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// HandleObjectFinalized processes an original that the bucket says is there
// (object.finalized), or joins the work on it. Other objects, an original that
// is gone, and a refusal that was said are done with; what may work later is
// returned, to be delivered again.
func (s *Service) HandleObjectFinalized(ctx context.Context, d event.Delivery) error {
	object, err := contract.Decode[contract.ObjectFinalized](d.Event, contract.TypeObjectFinalized)
	if err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(object.Key, contract.PrefixInbox); ok {
		return s.takeNamed(ctx, name)
	}
	if !strings.HasPrefix(object.Key, contract.PrefixOriginals) {
		return nil
	}
	_, err = s.Process(ctx, object.Key)
	return unfinished(err)
}

// unfinished is what of a Process error calls for another try.
func unfinished(err error) error {
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return refused.Unfinished
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}
