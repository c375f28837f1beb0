package gcsblob

import (
	"context"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

var _ blob.SetupReader = (*Store)(nil)

// Setup implements blob.SetupReader.
func (s *Store) Setup(ctx context.Context) (out blob.Setup, err error) {
	defer observe(ctx, "setup", time.Now(), &err)
	attrs, err := s.bucket.Attrs(ctx)
	if err != nil {
		return out, classify(ctx, "gcsblob.Setup", err)
	}
	out.UniformAccess = attrs.UniformBucketLevelAccess.Enabled
	out.PublicPrevented = attrs.PublicAccessPrevention == storage.PublicAccessPreventionEnforced
	for _, rule := range attrs.CORS {
		out.CORS = append(out.CORS, blob.CORS{Origins: rule.Origins, Methods: rule.Methods})
	}
	notifications, err := s.bucket.Notifications(ctx)
	if err != nil {
		return out, classify(ctx, "gcsblob.Setup", err)
	}
	for _, n := range notifications {
		out.Notifications = append(out.Notifications, blob.Notification{Topic: n.TopicID, Events: n.EventTypes, Prefix: n.ObjectNamePrefix})
	}
	slices.SortFunc(out.Notifications, func(a, b blob.Notification) int { return strings.Compare(a.Topic+a.Prefix, b.Topic+b.Prefix) })
	return out, nil
}
