package pages

import (
	"encoding/json"
	"io"
)

// SharePath is where an installed page has other apps send what is shared with
// it. The service worker in ui/src/sw.ts knows it too.
const SharePath = "/share"

// manifest is a web app manifest. https://www.w3.org/TR/appmanifest/
type manifest struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Description     string         `json:"description"`
	Lang            string         `json:"lang"`
	StartURL        string         `json:"start_url"`
	Scope           string         `json:"scope"`
	Display         string         `json:"display"`
	ThemeColor      string         `json:"theme_color"`
	BackgroundColor string         `json:"background_color"`
	Icons           []manifestIcon `json:"icons"`
	ShareTarget     shareTarget    `json:"share_target"`
}

type manifestIcon struct {
	Source  string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

// shareTarget takes pictures from other apps' share sheets.
// https://w3c.github.io/web-share-target/
type shareTarget struct {
	Action  string      `json:"action"`
	Method  string      `json:"method"`
	Enctype string      `json:"enctype"`
	Params  shareParams `json:"params"`
}

type shareParams struct {
	Files []shareFiles `json:"files"`
}

type shareFiles struct {
	Name   string   `json:"name"`
	Accept []string `json:"accept"`
}

// Manifest writes what a browser has to know to install the gallery as an app.
func (p *Pages) Manifest(w io.Writer, language string) error {
	e := p.edition(language)
	name, err := e.messages.text("app.name")
	if err != nil {
		return err
	}
	description, err := e.messages.text("app.description")
	if err != nil {
		return err
	}
	url := p.current().ownURL // an app's icons are its own
	return json.NewEncoder(w).Encode(manifest{
		ID: "/", Name: name, Description: description, Lang: e.tag, StartURL: "/", Scope: "/", Display: "standalone",
		ThemeColor: "#faf9f7", BackgroundColor: "#faf9f7", // the paper of the style sheet, in daylight
		Icons: []manifestIcon{
			{Source: url("logo.svg"), Sizes: "any", Type: "image/svg+xml", Purpose: "any"},
			{Source: url("icon-192.png"), Sizes: "192x192", Type: "image/png", Purpose: "any"},
			{Source: url("icon-512.png"), Sizes: "512x512", Type: "image/png", Purpose: "any"},
			{Source: url("icon-maskable.png"), Sizes: "512x512", Type: "image/png", Purpose: "maskable"},
		},
		ShareTarget: shareTarget{
			Action: SharePath, Method: "POST", Enctype: "multipart/form-data",
			Params: shareParams{Files: []shareFiles{{Name: "files", Accept: []string{"image/*", "video/quicktime", ".mov"}}}},
		},
	})
}
