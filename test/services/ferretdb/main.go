// Command ferretdb serves MongoDB's wire protocol over SQLite, for the tests: ferretdb HOST:PORT FOLDER.
//
// FerretDB updates by reading, changing and writing back, and lets others write in between. MongoDB never does: each change of
// a document is atomic. So every connection goes through a gate that lets one changing command at a time pass.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// gate is held by a command that changes documents while it runs.
var gate sync.Mutex

func main() {
	if len(os.Args) != 3 {
		fail("usage: ferretdb HOST:PORT FOLDER")
	}
	address, folder := os.Args[1], os.Args[2]
	// It decodes whole collections for most queries: with less collecting of that garbage they take half the time.
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(512 << 20)
	socket := filepath.Join(folder, "ferretdb.sock")
	os.Remove(socket)
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + filepath.ToSlash(folder) + "/",
	})
	if err != nil {
		fail(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		server.MongoDBURI() // waits until FerretDB listens
		fmt.Printf("mongodb://%s/\n", listener.Addr())
		for {
			client, err := listener.Accept()
			if err != nil {
				fail(err)
			}
			go serve(client, socket)
		}
	}()
	if err := server.Run(ctx); err != nil {
		fail(err)
	}
}

// serve passes the messages of one connection on, each with its answer.
func serve(client net.Conn, socket string) {
	defer client.Close()
	backend, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer backend.Close()
	for {
		request, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := exchange(backend, request)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

func exchange(backend net.Conn, request []byte) ([]byte, error) {
	switch commandOf(request) {
	case "update", "findAndModify", "delete":
		gate.Lock()
		defer gate.Unlock()
	}
	if _, err := backend.Write(request); err != nil {
		return nil, err
	}
	return readMessage(backend)
}

// readMessage reads a message of the wire protocol, which begins with its length.
func readMessage(from io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < 16 || length > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	message := make([]byte, length)
	copy(message, head[:])
	_, err := io.ReadFull(from, message[4:])
	return message, err
}

// commandOf names the command of an OP_MSG: the first key of its first section; empty for other messages.
func commandOf(message []byte) string {
	const opMsg, name = 2013, 26
	if len(message) <= name || binary.LittleEndian.Uint32(message[12:]) != opMsg || message[20] != 0 {
		return ""
	}
	end := bytes.IndexByte(message[name:], 0)
	if end < 0 {
		return ""
	}
	return string(message[name : name+end])
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
