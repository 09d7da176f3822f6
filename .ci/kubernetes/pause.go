// A program that waits until it is told to end: what holds the namespaces of a pod.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	children := make(chan os.Signal, 8)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-ended:
			return
		case <-children:
			for {
				// With shareProcessNamespace it is the first process of the pod, and orphans are its children.
				if id, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); id <= 0 {
					break
				}
			}
		}
	}
}
