;; The function that wasm-ld generates if a call and a definition have different types.
;; policy: wasip1
(module
  (func $signature_mismatch:helper unreachable)
  (func (export "_start") call $signature_mismatch:helper))
