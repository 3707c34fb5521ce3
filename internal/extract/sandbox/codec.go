package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// Codec writes values of a type as bytes and reads them back, for what passes
// between parent and child. It takes structs, slices, pointers, strings,
// numbers and booleans; a new field of a struct needs no mention. What is
// nil comes back as nil, what is empty as empty. Fields that are not exported,
// and functions, are left out.
//
// Reading trusts nothing: whatever the bytes, it gives an error or a value, and
// takes at most about 32 times their length in memory.
//
// A codec may be used by several goroutines at once.
type Codec[T any] struct{ plan *plan }

// NewCodec makes the codec of a type. It panics where the type holds what
// cannot be written.
func NewCodec[T any]() Codec[T] {
	return Codec[T]{planOf(reflect.TypeFor[T](), map[reflect.Type]*plan{})}
}

// Encode writes a value.
func (c Codec[T]) Encode(v *T) []byte { return c.Append(nil, v) }

// Append writes a value after the given bytes, which may be used again for the
// next: an export may have hundreds of thousands of pages.
func (c Codec[T]) Append(b []byte, v *T) []byte { return c.plan.encode(b, unsafe.Pointer(v)) }

// Decode reads a value that Encode wrote. Strings and bytes share the memory of
// data, which is not to be changed.
func (c Codec[T]) Decode(data []byte, v *T) error {
	d := &decoder{rest: unsafe.String(unsafe.SliceData(data), len(data)), budget: decodeFree + decodeRatio*len(data)}
	if err := c.plan.decode(d, unsafe.Pointer(v)); err != nil {
		return err
	}
	if d.rest != "" {
		return errGarbled
	}
	return nil
}

// pack and unpack write and read the package's own messages.
func pack[T any](v T) []byte { return NewCodec[T]().Encode(&v) }

func unpack[T any](data []byte, v *T) error { return NewCodec[T]().Decode(data, v) }

// errGarbled is given for bytes that no Encode wrote.
var errGarbled = errors.New("a message makes no sense")

// What decoding may take: memory in proportion to what came, in bytes.
const (
	decodeRatio = 32
	decodeFree  = 4 << 10
	// decodeDepth bounds how deep values may stand in values.
	decodeDepth = 100
)

// decoder is the state of one decoding.
type decoder struct {
	rest   string
	budget int
	depth  int
}

// plan is how values of one type are written and read. A value is given by
// where it lies, which takes a fraction of the time that package reflect does;
// the type of the plan is that of the value, and memory for what is read is
// made by reflect, of its type.
type plan struct {
	encode func([]byte, unsafe.Pointer) []byte
	decode func(*decoder, unsafe.Pointer) error
	zero   func(unsafe.Pointer) bool
	// simple is true for a value that holds no other.
	simple bool
}

func planOf(t reflect.Type, known map[reflect.Type]*plan) *plan {
	if p := known[t]; p != nil {
		return p
	}
	p := &plan{}
	known[t] = p
	if number(p, t.Kind()) {
		return p
	}
	switch t.Kind() {
	case reflect.String:
		p.text()
	case reflect.Pointer:
		p.pointer(t, known)
	case reflect.Slice:
		p.slice(t, known)
	case reflect.Struct:
		p.structure(t, known)
	default:
		panic(fmt.Sprintf("sandbox: a %s cannot be written", t))
	}
	return p
}

// number plans a number or a truth value. It reports false for anything else.
func number(p *plan, k reflect.Kind) bool {
	switch k {
	case reflect.Bool:
		truth(p)
	case reflect.Int:
		signed[int](p)
	case reflect.Int8:
		signed[int8](p)
	case reflect.Int16:
		signed[int16](p)
	case reflect.Int32:
		signed[int32](p)
	case reflect.Int64:
		signed[int64](p)
	case reflect.Uint:
		unsigned[uint](p)
	case reflect.Uint8:
		unsigned[uint8](p)
	case reflect.Uint16:
		unsigned[uint16](p)
	case reflect.Uint32:
		unsigned[uint32](p)
	case reflect.Uint64:
		unsigned[uint64](p)
	case reflect.Float32:
		float[float32](p)
	case reflect.Float64:
		float[float64](p)
	default:
		return false
	}
	p.simple = true
	return true
}

func truth(p *plan) {
	p.zero = func(v unsafe.Pointer) bool { return !*(*bool)(v) }
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		if *(*bool)(v) {
			return append(b, 1)
		}
		return append(b, 0)
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		*(*bool)(v) = n == 1
		return err
	}
}

func signed[N int | int8 | int16 | int32 | int64](p *plan) {
	p.zero = func(v unsafe.Pointer) bool { return *(*N)(v) == 0 }
	p.encode = func(b []byte, v unsafe.Pointer) []byte { return binary.AppendVarint(b, int64(*(*N)(v))) }
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		i := int64(n>>1) ^ -int64(n&1)
		if err == nil && int64(N(i)) != i {
			return errGarbled
		}
		*(*N)(v) = N(i)
		return err
	}
}

func unsigned[N uint | uint8 | uint16 | uint32 | uint64](p *plan) {
	p.zero = func(v unsafe.Pointer) bool { return *(*N)(v) == 0 }
	p.encode = func(b []byte, v unsafe.Pointer) []byte { return binary.AppendUvarint(b, uint64(*(*N)(v))) }
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		if err == nil && uint64(N(n)) != n {
			return errGarbled
		}
		*(*N)(v) = N(n)
		return err
	}
}

func float[N float32 | float64](p *plan) {
	raw := func(v unsafe.Pointer) uint64 { return math.Float64bits(float64(*(*N)(v))) }
	p.zero = func(v unsafe.Pointer) bool { return raw(v) == 0 }
	p.encode = func(b []byte, v unsafe.Pointer) []byte { return binary.LittleEndian.AppendUint64(b, raw(v)) }
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		s, err := d.take(8)
		if err != nil {
			return err
		}
		*(*N)(v) = N(math.Float64frombits(binary.LittleEndian.Uint64([]byte(s))))
		return nil
	}
}

func (p *plan) text() {
	p.simple = true
	p.zero = func(v unsafe.Pointer) bool { return *(*string)(v) == "" }
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		s := *(*string)(v)
		return append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		if err != nil {
			return err
		}
		s, err := d.take(n)
		*(*string)(v) = s
		return err
	}
}

func nilPointer(v unsafe.Pointer) bool { return *(*unsafe.Pointer)(v) == nil }

// A pointer that is nil is only met in a slice; in a struct it is left out.
func (p *plan) pointer(t reflect.Type, known map[reflect.Type]*plan) {
	elem := planOf(t.Elem(), known)
	p.zero = nilPointer
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		to := *(*unsafe.Pointer)(v)
		if to == nil {
			return append(b, 0)
		}
		return elem.encode(append(b, 1), to)
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		if err != nil || n == 0 {
			return err
		}
		if err := d.reserve(1, t.Elem()); err != nil {
			return err
		}
		to := reflect.New(t.Elem()).UnsafePointer()
		*(*unsafe.Pointer)(v) = to
		return d.deeper(elem, to)
	}
}

func (p *plan) slice(t reflect.Type, known map[reflect.Type]*plan) {
	p.zero = nilPointer // the first word of a slice
	if t.Elem().Kind() == reflect.Uint8 {
		p.bytes()
		return
	}
	elem, size := planOf(t.Elem(), known), t.Elem().Size()
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		if nilPointer(v) {
			return append(b, 0)
		}
		n := len(*(*[]struct{})(v)) // the length lies in the same place whatever the elements are
		b = binary.AppendUvarint(b, uint64(n)+1)
		first := *(*unsafe.Pointer)(v)
		for i := range n {
			b = elem.encode(b, unsafe.Add(first, uintptr(i)*size))
		}
		return b
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		if err != nil || n == 0 {
			return err
		}
		// Every element takes at least a byte.
		if n-1 > uint64(len(d.rest)) {
			return errGarbled
		}
		if err := d.reserve(int(n-1), t.Elem()); err != nil {
			return err
		}
		made := reflect.MakeSlice(t, int(n-1), int(n-1))
		reflect.NewAt(t, v).Elem().Set(made)
		first := made.UnsafePointer()
		for i := range int(n - 1) {
			if err := d.deeper(elem, unsafe.Add(first, uintptr(i)*size)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (p *plan) bytes() {
	p.simple = true
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		s := *(*[]byte)(v)
		if s == nil {
			return append(b, 0)
		}
		return append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		n, err := d.uvarint()
		if err != nil || n == 0 {
			return err
		}
		s, err := d.take(n - 1)
		if err != nil {
			return err
		}
		*(*[]byte)(v) = []byte{}
		if s != "" {
			*(*[]byte)(v) = unsafe.Slice(unsafe.StringData(s), len(s))
		}
		return nil
	}
}

// field is a field of a struct.
type field struct {
	*plan
	offset uintptr
}

// structure writes which fields are not zero, as the bits of a number, and then
// these.
func (p *plan) structure(t reflect.Type, known map[reflect.Type]*plan) {
	var fields []field
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Type.Kind() != reflect.Func {
			fields = append(fields, field{planOf(f.Type, known), f.Offset})
		}
	}
	if len(fields) > 64 {
		panic(fmt.Sprintf("sandbox: %s has more than 64 fields", t))
	}
	p.zero = func(v unsafe.Pointer) bool {
		for i := range fields {
			if !fields[i].zero(unsafe.Add(v, fields[i].offset)) {
				return false
			}
		}
		return true
	}
	p.encode = func(b []byte, v unsafe.Pointer) []byte {
		var set uint64
		for i := range fields {
			if !fields[i].zero(unsafe.Add(v, fields[i].offset)) {
				set |= 1 << i
			}
		}
		b = binary.AppendUvarint(b, set)
		for ; set != 0; set &= set - 1 {
			f := &fields[bits.TrailingZeros64(set)]
			b = f.encode(b, unsafe.Add(v, f.offset))
		}
		return b
	}
	p.decode = func(d *decoder, v unsafe.Pointer) error {
		set, err := d.uvarint()
		if err != nil || set>>len(fields) != 0 {
			return errors.Join(err, errGarbled)
		}
		for ; set != 0; set &= set - 1 {
			f := &fields[bits.TrailingZeros64(set)]
			if err := d.deeper(f.plan, unsafe.Add(v, f.offset)); err != nil {
				return err
			}
		}
		return nil
	}
}

// deeper reads a value that stands in another.
func (d *decoder) deeper(p *plan, v unsafe.Pointer) error {
	if p.simple {
		return p.decode(d, v)
	}
	d.depth++
	if d.depth > decodeDepth {
		return errGarbled
	}
	err := p.decode(d, v)
	d.depth--
	return err
}

// reserve counts memory that is about to be taken.
func (d *decoder) reserve(n int, t reflect.Type) error {
	if size := int(t.Size()); size > 0 && n > d.budget/size {
		return errGarbled
	}
	d.budget -= n * int(t.Size())
	return nil
}

func (d *decoder) take(n uint64) (string, error) {
	if n > uint64(len(d.rest)) {
		return "", errGarbled
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s, nil
}

func (d *decoder) uvarint() (uint64, error) {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		n := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(n), nil
	}
	var n uint64
	for i := 0; i < binary.MaxVarintLen64 && i < len(d.rest); i++ {
		c := d.rest[i]
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return n | uint64(c)<<(7*i), nil
		}
		n |= uint64(c&0x7f) << (7 * i)
	}
	return 0, errGarbled
}
