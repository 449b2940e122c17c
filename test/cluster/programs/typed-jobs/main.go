// Typed-jobs reads a list of ImagePrePullJobs from standard input the way KubeEdge's informers do, into structs with the
// number types of KubeEdge's API, and prints each job's name. One number that does not fit, and nothing can be listed.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type list struct {
	Items []job `json:"items"`
}

type job struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Template template `json:"imagePrePullTemplate"`
	} `json:"spec"`
}

type template struct {
	Images          []string        `json:"images"`
	NodeNames       []string        `json:"nodeNames"`
	LabelSelector   json.RawMessage `json:"labelSelector"`
	CheckItems      []string        `json:"checkItems"`
	FailureTolerate string          `json:"failureTolerate"`
	Concurrency     int32           `json:"concurrency"`
	TimeoutSeconds  *uint32         `json:"timeoutSeconds"`
	ImageSecrets    string          `json:"imageSecrets"`
	RetryTimes      int32           `json:"retryTimes"`
}

func main() {
	var jobs list
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, job := range jobs.Items {
		fmt.Println(job.Metadata.Name)
	}
}
