package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

const (
	signInPath = "/signin"
	setUpPath  = "/setup"
)

// deviceLife is how long a browser is known that was signed in once.
const deviceLife = 365 * 24 * time.Hour

// routeAccounts registers what people do with their account.
func (s *Server) routeAccounts() {
	if s.Accounts == nil {
		return
	}
	s.site.HandleFunc("GET /account", s.inTime(s.showAccount))
	if s.Assertions != nil {
		return // who people are and when they leave is the provider's business
	}
	s.site.HandleFunc("GET "+signInPath, s.inTime(s.showSignIn))
	s.site.HandleFunc("POST "+signInPath, s.inTime(s.signIn))
	s.site.HandleFunc("GET "+setUpPath, s.inTime(s.showSetUp))
	s.site.HandleFunc("POST "+setUpPath, s.inTime(s.setUp))
	s.site.HandleFunc("POST /signout", s.inTime(s.signOut))
	s.site.HandleFunc("POST /account/password", s.inTime(s.changePassword))
	s.site.HandleFunc("POST /account/sessions/end", s.inTime(s.signOutEverywhere))
	s.site.HandleFunc("POST /account/sessions/{id}/end", s.inTime(s.endSession))
	s.site.HandleFunc("POST /account/tokens", s.inTime(s.makeToken))
	s.site.HandleFunc("POST /account/tokens/{id}/revoke", s.inTime(s.revokeToken))
}

// showSignIn leads on who is signed in already.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "next", "notice")
	if err != nil {
		return err
	}
	if _, ok := actorOf(r.Context()); ok {
		seeOther(w, nextURL(q.String("next"), &url.URL{Path: "/"}))
		return nil
	}
	view := pages.SignInView{Next: nextURL(q.String("next"), &url.URL{Path: "/"}).String()}
	if q.String("notice") == "signed_out" {
		view.Notice = "signed_out"
	}
	return s.writeSignIn(w, r, http.StatusOK, view)
}

func (s *Server) writeSignIn(w http.ResponseWriter, r *http.Request, status int, view pages.SignInView) error {
	set, err := s.Accounts.IsSetUp(r.Context())
	if err != nil {
		return err
	}
	view.Frame, view.Unclaimed = s.frame(r), !set
	view.Here = (&url.URL{Path: signInPath, RawQuery: nextQuery(view.Next)}).String()
	return writePage(w, status, func(out io.Writer) error { return s.Pages.SignIn(out, view) })
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	next := nextURL(form.Get("next"), &url.URL{Path: "/"})
	in, err := s.Accounts.SignIn(r.Context(), form.Get("name"), form.Get("password"), s.visit(r))
	if err != nil {
		failure, err := s.formFailure(w, r, err)
		if err != nil {
			return err
		}
		s.note(r, "a sign-in was refused", "code", failure.Code)
		return s.writeSignIn(w, r, failure.Status, pages.SignInView{Next: next.String(), Name: form.Get("name"), Failure: failure})
	}
	s.note(r, "signed in", "account", in.Account.ID)
	s.keep(w, r, in)
	seeOther(w, next)
	return nil
}

// note logs what an owner may want to look up later. What was entered is not in
// it: people type their password into the wrong field.
func (s *Server) note(r *http.Request, what string, about ...any) {
	about = append(about, "address", s.clientAddress(r), "request_id", problem.RequestID(r.Context()))
	s.Log.InfoContext(r.Context(), what, about...)
}

// formFailure is a failure that the form itself shows, for another try. What is
// no answer to what was entered is answered as everywhere.
func (s *Server) formFailure(w http.ResponseWriter, r *http.Request, err error) (*pages.Failure, error) {
	failure := failureOf(r.Context(), err)
	if failure.Status >= http.StatusInternalServerError && failure.Code != accounts.ErrBusy.Code {
		return nil, err
	}
	problem.SetRetryAfter(w.Header(), err, failure.Status)
	failure.Wait = int((fault.Public(err).Retry + time.Second - 1) / time.Second) // rounded up: a second too early is refused
	return &failure, nil
}

// showSetUp is where the link on the console leads.
func (s *Server) showSetUp(w http.ResponseWriter, r *http.Request) error {
	q, err := httpx.ParsePageQuery(r, "token")
	if err != nil {
		return err
	}
	err = s.Accounts.CheckInvitation(r.Context(), q.String("token"))
	if errors.Is(err, accounts.ErrSetUp) {
		seeOther(w, &url.URL{Path: signInPath})
		return nil
	}
	if err != nil {
		return err
	}
	return s.writeSetUp(w, r, http.StatusOK, pages.SetUpView{Token: q.String("token")})
}

func (s *Server) writeSetUp(w http.ResponseWriter, r *http.Request, status int, view pages.SetUpView) error {
	view.Frame, view.MinPassword = s.frame(r), accounts.MinPasswordRunes
	view.Here = setUpPath + "?" + url.Values{"token": {view.Token}}.Encode()
	return writePage(w, status, func(out io.Writer) error { return s.Pages.SetUp(out, view) })
}

func (s *Server) setUp(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	n := accounts.NewAccount{Name: form.Get("name"), Email: form.Get("email"), Password: form.Get("password")}
	in, err := s.Accounts.SetUp(r.Context(), form.Get("token"), n, s.visit(r))
	if fault.KindOf(err) == fault.Invalid && err != nil {
		failure := failureOf(r.Context(), err)
		return s.writeSetUp(w, r, failure.Status, pages.SetUpView{Token: form.Get("token"), Name: n.Name, Email: n.Email, Failure: &failure})
	}
	if err != nil {
		return err
	}
	s.note(r, "the owner's account was made", "account", in.Account.ID)
	s.keep(w, r, in)
	seeOther(w, &url.URL{Path: "/"})
	return nil
}

// signOut ends the session and has the browser forget the pictures that it
// keeps.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	return s.leave(w, r, func(ctx context.Context, a accounts.Actor) error { return s.Accounts.SignOut(ctx, a, "") })
}

func (s *Server) signOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	return s.leave(w, r, s.Accounts.SignOutEverywhere)
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request, end func(context.Context, accounts.Actor) error) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	actor, _ := actorOf(r.Context()) // the guard has let it in
	if err := end(r.Context(), actor); err != nil {
		return err
	}
	s.note(r, "signed out", "account", actor.Account.ID)
	s.setCookie(w, r, sessionCookie, "", -time.Second)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	seeOther(w, &url.URL{Path: signInPath, RawQuery: "notice=signed_out"})
	return nil
}

// visit is where a request comes from.
func (s *Server) visit(r *http.Request) accounts.Visit {
	return accounts.Visit{
		Address: s.clientAddress(r), Agent: r.UserAgent(), Session: s.cookie(r, sessionCookie), Device: s.cookie(r, deviceCookie),
	}
}

// keep gives the browser what it is known by from now on.
func (s *Server) keep(w http.ResponseWriter, r *http.Request, in accounts.SignedIn) {
	s.lately.note(in.SessionToken)
	s.setCookie(w, r, sessionCookie, in.SessionToken, accounts.SessionLife)
	s.setCookie(w, r, deviceCookie, in.DeviceToken, deviceLife)
}

func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set where there is https; on loopback there is none
		Name: s.cookieName(r, name), Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: s.secure(),
	})
}
