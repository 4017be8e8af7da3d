;; The vector kernel (PART-2): int8 x int16 dot products and top-k, over the one memory of the process.
;; Built into kernel-wasm.ts by scripts/build-kernel.mjs; kernel-plain.ts does the same in TypeScript, bit for bit.
(module
  (import "recollect" "memory" (memory 1 65536))

  ;; The dot product of one vector with the query. stride: bytes of a vector, a multiple of 16.
  (func $dot (param $vector i32) (param $query i32) (param $stride i32) (result i32)
    (local $sum v128) (local $end i32)
    (local.set $end (i32.add (local.get $vector) (local.get $stride)))
    (loop $next
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $vector)) (v128.load (local.get $query)))
        (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $vector)) (v128.load offset=16 (local.get $query))))))
      (local.set $vector (i32.add (local.get $vector) (i32.const 16)))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $vector) (local.get $end))))
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))

  ;; out[i] = floor(dot(i) * (scale[i] * factor) + 0.5), saturated to an i32. f64 throughout, so that TypeScript can say the same.
  (func (export "scores") (param $vectors i32) (param $stride i32) (param $count i32) (param $scales i32) (param $query i32) (param $factor f64) (param $out i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $q v128)
    (local $ab v128) (local $cd v128) (local $dots v128) (local $scale v128) (local $factors v128) (local $half v128)
    (local $second i32) (local $third i32) (local $fourth i32) (local $at i32) (local $end i32) (local $left i32)
    (local.set $factors (f64x2.splat (local.get $factor)))
    (local.set $half (f64x2.splat (f64.const 0.5)))
    (local.set $left (local.get $count))
    ;; four vectors at a time: each piece of the query is loaded once for all of them
    (block $done (loop $four
      (br_if $done (i32.lt_u (local.get $left) (i32.const 4)))
      (local.set $end (i32.add (local.get $vectors) (local.get $stride)))
      (local.set $second (local.get $stride))
      (local.set $third (i32.shl (local.get $stride) (i32.const 1)))
      (local.set $fourth (i32.add (local.get $third) (local.get $stride)))
      (local.set $at (local.get $query))
      (local.set $a (v128.const i32x4 0 0 0 0))
      (local.set $b (v128.const i32x4 0 0 0 0))
      (local.set $c (v128.const i32x4 0 0 0 0))
      (local.set $d (v128.const i32x4 0 0 0 0))
      (loop $next
        (local.set $q (v128.load (local.get $at)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $vectors)) (local.get $q))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (v128.load8x8_s (i32.add (local.get $vectors) (local.get $second))) (local.get $q))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s (v128.load8x8_s (i32.add (local.get $vectors) (local.get $third))) (local.get $q))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s (v128.load8x8_s (i32.add (local.get $vectors) (local.get $fourth))) (local.get $q))))
        (local.set $q (v128.load offset=16 (local.get $at)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $vectors)) (local.get $q))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (i32.add (local.get $vectors) (local.get $second))) (local.get $q))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (i32.add (local.get $vectors) (local.get $third))) (local.get $q))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (i32.add (local.get $vectors) (local.get $fourth))) (local.get $q))))
        (local.set $vectors (i32.add (local.get $vectors) (i32.const 16)))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br_if $next (i32.lt_u (local.get $vectors) (local.get $end))))
      (local.set $vectors (i32.add (local.get $vectors) (local.get $fourth)))
      ;; the sums of the lanes of a, b, c, d, as the four lanes of one
      (local.set $ab (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
      (local.set $cd (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
      (local.set $dots (i32x4.add
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $ab) (local.get $cd))
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $ab) (local.get $cd))))
      (local.set $scale (v128.load align=4 (local.get $scales)))
      (v128.store align=4 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
        (i32x4.trunc_sat_f64x2_s_zero (f64x2.floor (f64x2.add (local.get $half) (f64x2.mul
          (f64x2.convert_low_i32x4_s (local.get $dots))
          (f64x2.mul (f64x2.promote_low_f32x4 (local.get $scale)) (local.get $factors))))))
        (i32x4.trunc_sat_f64x2_s_zero (f64x2.floor (f64x2.add (local.get $half) (f64x2.mul
          (f64x2.convert_low_i32x4_s (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $dots) (local.get $dots)))
          (f64x2.mul (f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $scale) (local.get $scale))) (local.get $factors))))))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (local.set $left (i32.sub (local.get $left) (i32.const 4)))
      (br $four)))
    (block $end_of_all (loop $one
      (br_if $end_of_all (i32.eqz (local.get $left)))
      (i32.store (local.get $out) (i32.trunc_sat_f64_s (f64.floor (f64.add (f64.const 0.5) (f64.mul
        (f64.convert_i32_s (call $dot (local.get $vectors) (local.get $query) (local.get $stride)))
        (f64.mul (f64.promote_f32 (f32.load (local.get $scales))) (local.get $factor)))))))
      (local.set $vectors (i32.add (local.get $vectors) (local.get $stride)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $out (i32.add (local.get $out) (i32.const 4)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $one))))

  ;; A key holds a score and its ordinal: score * 2^32 + ordinal. Greater is better; equal scores go to the greater ordinal.
  (func $key (param $score i32) (param $ordinal i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_s (local.get $score)) (i64.const 32)) (i64.extend_i32_u (local.get $ordinal))))

  ;; Puts a key where it belongs, from the root of a heap of n keys (least on top) downwards.
  (func $sink (param $heap i32) (param $n i32) (param $new i64)
    (local $i i32) (local $child i32) (local $at i32) (local $least i64)
    (block $done (loop $down
      (local.set $child (i32.add (i32.shl (local.get $i) (i32.const 1)) (i32.const 1)))
      (br_if $done (i32.ge_u (local.get $child) (local.get $n)))
      (local.set $at (i32.add (local.get $heap) (i32.shl (local.get $child) (i32.const 3))))
      (local.set $least (i64.load (local.get $at)))
      (if (i32.lt_u (i32.add (local.get $child) (i32.const 1)) (local.get $n))
        (then (if (i64.lt_s (i64.load offset=8 (local.get $at)) (local.get $least))
          (then
            (local.set $child (i32.add (local.get $child) (i32.const 1)))
            (local.set $least (i64.load offset=8 (local.get $at)))))))
      (br_if $done (i64.le_s (local.get $new) (local.get $least)))
      (i64.store (i32.add (local.get $heap) (i32.shl (local.get $i) (i32.const 3))) (local.get $least))
      (local.set $i (local.get $child))
      (br $down)))
    (i64.store (i32.add (local.get $heap) (i32.shl (local.get $i) (i32.const 3))) (local.get $new)))

  ;; Puts a key at the end of a heap of n keys and lets it rise.
  (func $rise (param $heap i32) (param $n i32) (param $new i64)
    (local $parent i32) (local $above i64)
    (block $done (loop $up
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $parent (i32.shr_u (i32.sub (local.get $n) (i32.const 1)) (i32.const 1)))
      (local.set $above (i64.load (i32.add (local.get $heap) (i32.shl (local.get $parent) (i32.const 3)))))
      (br_if $done (i64.le_s (local.get $above) (local.get $new)))
      (i64.store (i32.add (local.get $heap) (i32.shl (local.get $n) (i32.const 3))) (local.get $above))
      (local.set $n (local.get $parent))
      (br $up)))
    (i64.store (i32.add (local.get $heap) (i32.shl (local.get $n) (i32.const 3))) (local.get $new)))

  ;; The keys of the best k scores over the floor, in no order, at heap; gives how many. A floor of -2^31 leaves out only what is left out.
  ;; It reads from the end, so that of equal scores the greater ordinal comes first and the others need no look.
  (func (export "top") (param $scores i32) (param $count i32) (param $k i32) (param $floor i32) (param $heap i32) (result i32)
    (local $n i32) (local $i i32) (local $score i32) (local $floors v128)
    (local.set $floors (i32x4.splat (local.get $floor)))
    (local.set $i (local.get $count))
    (if (i32.eqz (local.get $k)) (then (return (i32.const 0))))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $i)))
      (if (i32.ge_u (local.get $i) (i32.const 4))
        (then (if (i32.eqz (v128.any_true (i32x4.gt_s
            (v128.load align=4 (i32.add (local.get $scores) (i32.shl (i32.sub (local.get $i) (i32.const 4)) (i32.const 2))))
            (local.get $floors))))
          (then
            (local.set $i (i32.sub (local.get $i) (i32.const 4)))
            (br $next)))))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (local.set $score (i32.load (i32.add (local.get $scores) (i32.shl (local.get $i) (i32.const 2)))))
      (br_if $next (i32.le_s (local.get $score) (local.get $floor)))
      (if (i32.lt_u (local.get $n) (local.get $k))
        (then
          (call $rise (local.get $heap) (local.get $n) (call $key (local.get $score) (local.get $i)))
          (local.set $n (i32.add (local.get $n) (i32.const 1))))
        (else (call $sink (local.get $heap) (local.get $n) (call $key (local.get $score) (local.get $i)))))
      (if (i32.eq (local.get $n) (local.get $k))
        (then
          (local.set $floor (i32.load offset=4 (local.get $heap)))
          (local.set $floors (i32x4.splat (local.get $floor)))))
      (br $next)))
    (local.get $n))
)
