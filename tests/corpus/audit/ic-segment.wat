;; policy: ic
(module
  (memory 1)
  (data (i32.add (i32.const 4) (i32.const 4)) "x"))
