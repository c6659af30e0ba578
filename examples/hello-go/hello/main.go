// Greets whoever the event names. It speaks the Runtime API by itself, so that
// it needs the standard library only; with aws-lambda-go, main would be
// lambda.Start(greet), and tether would run it the same way.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

const answeredBy = "the deployed code"

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message    string `json:"message"`
	AnsweredBy string `json:"answered_by"`
	RequestID  string `json:"request_id"`
}

func greet(it event, requestID string) (answer, error) {
	greeting := os.Getenv("GREETING")
	if it.Name == "" {
		it.Name = "world"
	}
	fmt.Println("greeting", it.Name)
	return answer{fmt.Sprintf("%s, %s!", greeting, it.Name), answeredBy, requestID}, nil
}

func main() {
	invocation := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(invocation + "next")
		if err != nil {
			log.Fatal(err)
		}
		requestID := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var it event
		err = json.NewDecoder(next.Body).Decode(&it)
		next.Body.Close()
		var result any
		if err == nil {
			result, err = greet(it, requestID)
		}
		verb := "/response"
		if err != nil {
			verb, result = "/error", map[string]string{"errorType": fmt.Sprintf("%T", err), "errorMessage": err.Error()}
		}
		body, _ := json.Marshal(result)
		posted, err := http.Post(invocation+requestID+verb, "application/json", bytes.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		posted.Body.Close()
	}
}
