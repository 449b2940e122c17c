// Command go-webhook is the reference of the denied-uncordon bench: the two webhooks of Nodelatch as a lean Go program
// would have them, with the Kubernetes types. It decides only what the bench asks; no log, no metrics, no Events.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	lockAnnotation = "nodelatch.io/reboot-lock"
	maxBodyBytes   = 7 << 20
	removeLock     = `[{"op":"remove","path":"/metadata/annotations/nodelatch.io~1reboot-lock"}]`
)

// uncordon is a request that makes a locked node schedulable.
type uncordon struct {
	node   string
	holder string
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9443", "address of the HTTPS port")
	certificate := flag.String("cert", "tls.crt", "file with the certificate")
	key := flag.String("key", "tls.key", "file with its key")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /guard", reviewing(guard))
	mux.HandleFunc("POST /latch", reviewing(latch))
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

// guard refuses the uncordon of a locked node to everyone but the holder.
func guard(request *admissionv1.AdmissionRequest, found *uncordon) *admissionv1.AdmissionResponse {
	if found == nil || found.holder == request.UserInfo.Username {
		return &admissionv1.AdmissionResponse{Allowed: true}
	}
	return &admissionv1.AdmissionResponse{
		Result: &metav1.Status{
			Status: metav1.StatusFailure,
			Code:   http.StatusForbidden,
			Reason: metav1.StatusReasonForbidden,
			Message: fmt.Sprintf("node %s is locked for a reboot by %s; %s may not uncordon it",
				found.node, found.holder, request.UserInfo.Username),
		},
		AuditAnnotations: map[string]string{
			"change": "uncordon", "decision": "not-holder", "lock-holder": found.holder,
		},
	}
}

// latch ends the lock together with the holder's uncordon, and leaves everything else as it is.
func latch(request *admissionv1.AdmissionRequest, found *uncordon) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{Allowed: true}
	if found != nil && found.holder == request.UserInfo.Username {
		patchType := admissionv1.PatchTypeJSONPatch
		response.PatchType = &patchType
		response.Patch = []byte(removeLock)
	}
	return response
}

type decision func(*admissionv1.AdmissionRequest, *uncordon) *admissionv1.AdmissionResponse

func reviewing(decide decision) http.HandlerFunc {
	return func(writer http.ResponseWriter, incoming *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(writer, incoming.Body, maxBodyBytes))
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		var review admissionv1.AdmissionReview
		if err := json.Unmarshal(body, &review); err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		found, err := readUncordon(review.Request)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		response := decide(review.Request, found)
		response.UID = review.Request.UID
		answer, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response})
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		writer.Write(answer)
	}
}

// readUncordon decodes both objects; nil means that the request is another one.
func readUncordon(request *admissionv1.AdmissionRequest) (*uncordon, error) {
	if request == nil {
		return nil, errors.New("request: expected an object, got nothing")
	}
	if request.Operation != admissionv1.Update {
		return nil, nil
	}
	var before, after corev1.Node
	if err := json.Unmarshal(request.OldObject.Raw, &before); err != nil {
		return nil, fmt.Errorf("oldObject: %w", err)
	}
	if err := json.Unmarshal(request.Object.Raw, &after); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	value, isLocked := before.Annotations[lockAnnotation]
	if !isLocked || !before.Spec.Unschedulable || after.Spec.Unschedulable {
		return nil, nil
	}
	var record struct {
		Holder string `json:"holder"`
	}
	if err := json.Unmarshal([]byte(value), &record); err != nil {
		return nil, fmt.Errorf("annotation %s: %w", lockAnnotation, err)
	}
	return &uncordon{node: before.Name, holder: record.Holder}, nil
}
