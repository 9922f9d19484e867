;; What wasm-ld puts where a call and a definition are of different types.
;; policy: wasip1
(module
  (func $signature_mismatch:helper unreachable)
  (func (export "_start") call $signature_mismatch:helper))
