//go:build embedded

package main

import (
	"context"
	"errors"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/sajin/internal/doctor"
	"github.com/sajin-gallery/sajin/services/sajin/internal/staticfiles"
)

func openStaticBucket(context.Context, string) (staticfiles.Place, func(), error) {
	return nil, nil, errors.New("this program was built for one machine only (-tags embedded); gs:// needs a build without that tag")
}

func subscribedOn(event.Bus, string) doctor.Subscribed { return nil }
