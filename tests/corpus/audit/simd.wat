;; SIMD, which the replica supports.
;; policy: ic
(module
  (import "env" "gone" (func $gone (param v128)))
  (global v128 (v128.const i64x2 0 0))
  (memory 1)
  (func (export "canister_query run")
    (call $gone (i32x4.add (v128.load (i32.const 0)) (v128.const i32x4 1 2 3 4)))))
