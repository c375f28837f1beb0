package blob

import "context"

// Setup is what an operator has arranged for a bucket, as far as it can be read.
type Setup struct {
	// PublicPrevented: nobody can make an object public by mistake. UniformAccess:
	// rights are the bucket's and not each object's.
	PublicPrevented, UniformAccess bool
	CORS                           []CORS
	Notifications                  []Notification
}

// CORS is a rule for pages of other origins.
type CORS struct{ Origins, Methods []string }

// Notification tells a topic of objects.
type Notification struct {
	Topic  string   // its name, without its project
	Events []string // empty for all
	Prefix string   // of the keys; "" for all
}

// SetupReader is a store that can say how it was set up. It takes rights that
// using the store does not: an Unavailable fault may mean that they are missing.
type SetupReader interface {
	Setup(ctx context.Context) (Setup, error)
}
