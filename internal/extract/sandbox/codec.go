package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
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
func (c Codec[T]) Encode(v *T) []byte {
	return c.plan.encode(nil, reflect.ValueOf(v).Elem())
}

// Decode reads a value that Encode wrote. Strings share the memory of data,
// which is not to be changed.
func (c Codec[T]) Decode(data []byte, v *T) error {
	d := &decoder{rest: string(data), budget: decodeFree + decodeRatio*len(data)}
	if err := c.plan.decode(d, reflect.ValueOf(v).Elem()); err != nil {
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

// plan is how values of one type are written and read.
type plan struct {
	encode func([]byte, reflect.Value) []byte
	decode func(*decoder, reflect.Value) error
}

func planOf(t reflect.Type, known map[reflect.Type]*plan) *plan {
	if p := known[t]; p != nil {
		return p
	}
	p := &plan{}
	known[t] = p // before the rest: a type may hold itself
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.number(t)
	case reflect.Float32, reflect.Float64:
		p.float()
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

func (p *plan) number(t reflect.Type) {
	switch {
	case t.Kind() == reflect.Bool:
		p.encode = func(b []byte, v reflect.Value) []byte {
			if v.Bool() {
				return append(b, 1)
			}
			return append(b, 0)
		}
		p.decode = func(d *decoder, v reflect.Value) error {
			n, err := d.uvarint()
			v.SetBool(n == 1)
			return err
		}
	case reflect.Zero(t).CanInt():
		p.encode = func(b []byte, v reflect.Value) []byte { return binary.AppendVarint(b, v.Int()) }
		p.decode = func(d *decoder, v reflect.Value) error {
			n, err := d.uvarint()
			i := int64(n>>1) ^ -int64(n&1)
			if err == nil && v.OverflowInt(i) {
				return errGarbled
			}
			v.SetInt(i)
			return err
		}
	default:
		p.encode = func(b []byte, v reflect.Value) []byte { return binary.AppendUvarint(b, v.Uint()) }
		p.decode = func(d *decoder, v reflect.Value) error {
			n, err := d.uvarint()
			if err == nil && v.OverflowUint(n) {
				return errGarbled
			}
			v.SetUint(n)
			return err
		}
	}
}

func (p *plan) float() {
	p.encode = func(b []byte, v reflect.Value) []byte {
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
	}
	p.decode = func(d *decoder, v reflect.Value) error {
		s, err := d.take(8)
		if err != nil {
			return err
		}
		v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64([]byte(s))))
		return nil
	}
}

func (p *plan) text() {
	p.encode = func(b []byte, v reflect.Value) []byte {
		s := v.String()
		return append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	p.decode = func(d *decoder, v reflect.Value) error {
		n, err := d.uvarint()
		if err != nil {
			return err
		}
		s, err := d.take(n)
		v.SetString(s)
		return err
	}
}

// A pointer that is nil is only met in a slice; in a struct it is left out.
func (p *plan) pointer(t reflect.Type, known map[reflect.Type]*plan) {
	elem := planOf(t.Elem(), known)
	p.encode = func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, 0)
		}
		return elem.encode(append(b, 1), v.Elem())
	}
	p.decode = func(d *decoder, v reflect.Value) error {
		n, err := d.uvarint()
		if err != nil || n == 0 {
			return err
		}
		if err := d.reserve(1, t.Elem()); err != nil {
			return err
		}
		v.Set(reflect.New(t.Elem()))
		return d.deeper(elem, v.Elem())
	}
}

func (p *plan) slice(t reflect.Type, known map[reflect.Type]*plan) {
	if t.Elem().Kind() == reflect.Uint8 {
		p.bytes()
		return
	}
	elem := planOf(t.Elem(), known)
	p.encode = func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		for i := range v.Len() {
			b = elem.encode(b, v.Index(i))
		}
		return b
	}
	p.decode = func(d *decoder, v reflect.Value) error {
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
		v.Set(reflect.MakeSlice(t, int(n-1), int(n-1)))
		for i := range v.Len() {
			if err := d.deeper(elem, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (p *plan) bytes() {
	p.encode = func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		return append(b, v.Bytes()...)
	}
	p.decode = func(d *decoder, v reflect.Value) error {
		n, err := d.uvarint()
		if err != nil || n == 0 {
			return err
		}
		s, err := d.take(n - 1)
		if err != nil {
			return err
		}
		v.SetBytes([]byte(s))
		return nil
	}
}

// structure writes which fields are not zero, as the bits of a number, and then
// these.
func (p *plan) structure(t reflect.Type, known map[reflect.Type]*plan) {
	var fields []*plan
	var index []int
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Type.Kind() != reflect.Func {
			fields = append(fields, planOf(t.Field(i).Type, known))
			index = append(index, i)
		}
	}
	if len(fields) > 64 {
		panic(fmt.Sprintf("sandbox: %s has more than 64 fields", t))
	}
	p.encode = func(b []byte, v reflect.Value) []byte {
		var set uint64
		for i, at := range index {
			if !v.Field(at).IsZero() {
				set |= 1 << i
			}
		}
		b = binary.AppendUvarint(b, set)
		for i, at := range index {
			if set&(1<<i) != 0 {
				b = fields[i].encode(b, v.Field(at))
			}
		}
		return b
	}
	p.decode = func(d *decoder, v reflect.Value) error {
		set, err := d.uvarint()
		if err != nil || set>>len(fields) != 0 {
			return errors.Join(err, errGarbled)
		}
		for i, at := range index {
			if set&(1<<i) != 0 {
				if err := d.deeper(fields[i], v.Field(at)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func (d *decoder) deeper(p *plan, v reflect.Value) error {
	d.depth++
	defer func() { d.depth-- }()
	if d.depth > decodeDepth {
		return errGarbled
	}
	return p.decode(d, v)
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
