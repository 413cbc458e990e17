// A plain Go handler that answers the same reviews from the same facts, and the load that every server gets.
//
//	peer serve -listen 127.0.0.1:1 -facts FILE -cert FILE -key FILE
//	peer load  -url https://… -bodies FILE -seconds 3 -connections 16
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type fixable struct {
	GraceEnd int64 `json:"grace_end"`
}

type facts struct {
	Repositories   []string  `json:"repositories"`
	User           string    `json:"user"`
	Bases          []string  `json:"bases"`
	Scan           string    `json:"scan"`
	ScannedAt      int64     `json:"scanned_at"`
	FeedAt         int64     `json:"feed_at"`
	KnownExploited int       `json:"known_exploited"`
	Fixable        []fixable `json:"fixable"`
	CertifiedFrom  int64     `json:"certified_from"`
	CertifiedUntil int64     `json:"certified_until"`
	RevokedAt      int64     `json:"revoked_at"`
	Signed         []string  `json:"signed"`
}

type catalog struct {
	Trusted []string         `json:"trusted"`
	Images  map[string]facts `json:"images"`
}

type security struct {
	RunAsUser *int64 `json:"runAsUser"`
}

type container struct {
	Image           string    `json:"image"`
	SecurityContext *security `json:"securityContext"`
}

type review struct {
	Request struct {
		UID    string `json:"uid"`
		Object struct {
			Spec struct {
				SecurityContext     *security   `json:"securityContext"`
				Containers          []container `json:"containers"`
				InitContainers      []container `json:"initContainers"`
				EphemeralContainers []container `json:"ephemeralContainers"`
			} `json:"spec"`
		} `json:"object"`
	} `json:"request"`
}

var pinned = regexp.MustCompile(`^[a-z0-9.:-]+(/[a-z0-9._-]+)+(:[\w.-]+)?@sha256:[0-9a-f]{64}$`)

const day = 86400

func reasons(known *catalog, pod *security, item container, now int64) []string {
	var found []string
	if !pinned.MatchString(item.Image) {
		return []string{"reference: not pinned by digest"}
	}
	name, digest, _ := strings.Cut(item.Image, "@")
	trusted := false
	for _, prefix := range known.Trusted {
		trusted = trusted || name == prefix || strings.HasPrefix(name, prefix+"/")
	}
	if !trusted {
		found = append(found, "registry: not trusted")
	}
	image, ok := known.Images[digest]
	if !ok {
		return append(found, "known: never imported")
	}
	recorded := false
	for _, repository := range image.Repositories {
		recorded = recorded || repository == name
	}
	if !recorded {
		found = append(found, "known: not under this repository")
	}
	if image.Scan != "complete" || image.ScannedAt+14*day <= now || image.FeedAt+7*day <= now {
		found = append(found, "scanned: no complete, fresh report")
	}
	blocked := image.KnownExploited > 0
	for _, row := range image.Fixable {
		blocked = blocked || row.GraceEnd <= now
	}
	if blocked {
		found = append(found, "findings: one crosses the line")
	}
	subjects := []facts{image}
	if image.CertifiedFrom == 0 {
		subjects = nil
		for _, base := range image.Bases {
			subjects = append(subjects, known.Images[base])
		}
	}
	approved, signed := len(subjects) > 0, len(subjects) > 0
	for _, subject := range subjects {
		approved = approved && subject.CertifiedFrom <= now && now < subject.CertifiedUntil && (subject.RevokedAt == 0 || now < subject.RevokedAt)
		signed = signed && len(subject.Signed) > 0
	}
	if !signed {
		found = append(found, "signed: no signature of ours")
	}
	if !approved {
		found = append(found, "approved: not certified")
	}
	user, err := strconv.ParseInt(strings.Split(image.User, ":")[0], 10, 32)
	if err != nil {
		user = 0
	}
	if pod != nil && pod.RunAsUser != nil {
		user = *pod.RunAsUser
	}
	if item.SecurityContext != nil && item.SecurityContext.RunAsUser != nil {
		user = *item.SecurityContext.RunAsUser
	}
	if user <= 0 {
		found = append(found, "root: not a number other than 0")
	}
	return found
}

func serve(listen, path, cert, key string) {
	body, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var known catalog
	if err := json.Unmarshal(body, &known); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodPost {
			writer.WriteHeader(200)
			return
		}
		var asked review
		if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
			http.Error(writer, err.Error(), 400)
			return
		}
		spec, now := asked.Request.Object.Spec, time.Now().Unix()
		var why []string
		for _, list := range [][]container{spec.Containers, spec.InitContainers, spec.EphemeralContainers} {
			for _, item := range list {
				for _, reason := range reasons(&known, spec.SecurityContext, item, now) {
					why = append(why, item.Image+": "+reason)
				}
			}
		}
		response := map[string]any{"uid": asked.Request.UID, "allowed": len(why) == 0}
		if len(why) > 0 {
			response["status"] = map[string]any{"code": 403, "message": strings.Join(why, "; ")}
		}
		writer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(writer).Encode(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response,
		})
	})
	if cert != "" {
		log.Fatal(http.ListenAndServeTLS(listen, cert, key, nil))
	}
	log.Fatal(http.ListenAndServe(listen, nil))
}

func load(url, path string, seconds float64, connections int) {
	file, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	bodies := bytes.Split(bytes.TrimSpace(file), []byte("\n"))
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	var next, errors, allowed int64
	var times []float64
	var lock sync.Mutex
	var group sync.WaitGroup
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for worker := 0; worker < connections; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			var own []float64
			for time.Now().Before(end) {
				body := bodies[int(atomic.AddInt64(&next, 1))%len(bodies)]
				began := time.Now()
				answer, err := client.Post(url, "application/json", bytes.NewReader(body))
				if err != nil {
					atomic.AddInt64(&errors, 1)
					continue
				}
				reply, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				own = append(own, time.Since(began).Seconds()*1000)
				if answer.StatusCode != 200 {
					atomic.AddInt64(&errors, 1)
				} else if bytes.Contains(reply, []byte(`"allowed":true`)) {
					atomic.AddInt64(&allowed, 1)
				}
			}
			lock.Lock()
			times = append(times, own...)
			lock.Unlock()
		}()
	}
	group.Wait()
	sort.Float64s(times)
	at := func(share float64) float64 {
		if len(times) == 0 {
			return 0
		}
		return times[int(share*float64(len(times)-1))]
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": len(times), "errors": errors, "allowed": allowed, "p50_ms": at(0.5), "p99_ms": at(0.99),
	})
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "peer serve|load …")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	listen := flags.String("listen", "", "")
	path := flags.String("facts", "", "")
	cert := flags.String("cert", "", "")
	key := flags.String("key", "", "")
	url := flags.String("url", "", "")
	bodies := flags.String("bodies", "", "")
	seconds := flags.Float64("seconds", 3, "")
	connections := flags.Int("connections", 16, "")
	flags.Parse(os.Args[2:])
	if os.Args[1] == "serve" {
		serve(*listen, *path, *cert, *key)
	} else {
		load(*url, *bodies, *seconds, *connections)
	}
}
