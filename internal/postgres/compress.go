package postgres

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Both are safe for concurrent use, and dear to make.
var (
	compressor   = sync.OnceValue(newCompressor)
	decompressor = sync.OnceValue(newDecompressor)
)

func newCompressor() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2))
	if err != nil {
		panic(fmt.Sprintf("postgres: the compressor's options do not hold: %v", err))
	}
	return e
}

func newDecompressor() *zstd.Decoder {
	// What is read was written here: the bound is against damage.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(2<<30))
	if err != nil {
		panic(fmt.Sprintf("postgres: the decompressor's options do not hold: %v", err))
	}
	return d
}

// Compress packs what a column of compressed content holds, by zstd.
func Compress(b []byte) []byte { return compressor().EncodeAll(b, nil) }

// Decompress unpacks what [Compress] packed.
func Decompress(b []byte) ([]byte, error) {
	out, err := decompressor().DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("unpacking content of the database: %w", err)
	}
	return out, nil
}
