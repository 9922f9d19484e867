;; An Extism plug-in.
;; policy: wasip1
(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/user" "kv_read" (func (param i64) (result i64)))
  (func (export "call") (drop (call $length))))
