;; policy: tiny.toml
(module
  (memory 2)
  (global i32 (i32.const 1))
  (global i32 (i32.const 1))
  (table 1 funcref)
  (func $first nop)
  (func $second (param i32) (result i32)
    local.get 0 if (result i32) i32.const 1 else i32.const 2 end)
  (data (i32.const 0) "0123456789abcdef")
  (@custom "icp:public candid:service" "service : {}")
  (@custom "other" "not counted")
  (export "method a" (func $first))
  (export "method b" (func $first)))
