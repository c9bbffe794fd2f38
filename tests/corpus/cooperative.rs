//! Cooperative matrices, in forms that need no order between invocations. The kernel's capabilities do not tell which block sizes a device
//! supports, so the cases run only on devices that are known to support these sizes.

use crate::lab::{Case, Lab};
use crate::value::Half;

/// 16-bit floats that are small integers, so that sums are exact.
fn whole(lab: &mut Lab<'_>, count: usize) -> Vec<Half> {
    lab.signed(count, 3).iter().map(|&value| Half::new(value as f32)).collect()
}

pub(crate) const CASES: &[Case] = &[
    case!("cooperative/product", |lab| {
        let (m, n, k) = (32, 48, 64);
        let (a, b) = (whole(lab, m * k), whole(lab, k * n));
        let c: Vec<f32> = lab.signed(m * n, 9).iter().map(|&value| value as f32).collect();
        let entry = |at: usize| c[at] + (0..k).map(|i| a[i * m + at % m].f32() * b[at / m * k + i].f32()).sum::<f32>();
        let want: Vec<f32> = (0..m * n).map(entry).collect();
        lab.only_on("NVIDIA", "blocks of 16 by 16 halves").read(&a).read(&b).update(&c, &want);
        lab.bytes(&[m as u32, n as u32, k as u32]).run([2, 3, 1]);
    }),
    case!("cooperative/product_transposed", |lab| {
        let [a, b, c] = [(); 3].map(|()| whole(lab, 256));
        let entry = |at: usize| c[at].f32() + (0..16).map(|i| a[at / 16 * 16 + i].f32() * b[i * 16 + at % 16].f32()).sum::<f32>();
        let want: Vec<Half> = (0..256).map(|at| Half::new(entry(at))).collect();
        lab.only_on("NVIDIA", "blocks of 16 by 16 halves").read(&a).read(&b).update(&c, &want).run(1);
    }),
    case!("cooperative/staged", |lab| {
        let [a, b] = [(); 2].map(|()| whole(lab, 256 * 5));
        let c: Vec<f32> = lab.signed(256 * 4, 9).iter().map(|&value| value as f32).collect();
        let product = |at: usize| -> f32 {
            let term = |i: usize| a[i / 16 * 256 + i % 16 * 16 + at % 16].f32() * b[i / 16 * 256 + at / 16 * 16 + i % 16].f32();
            2.0 * (0..80).map(term).sum::<f32>()
        };
        let want: Vec<f32> = c.iter().enumerate().map(|(at, c)| c + product(at % 256)).collect();
        lab.only_on("NVIDIA", "blocks of 16 by 16 halves").read(&a).read(&b).update(&c, &want).immediate(&[5u32]).run(1);
    }),
    case!("cooperative/small_blocks", |lab| {
        let [a, b, c] = [(); 3].map(|()| lab.floats(64 * 3));
        let entry = |at: usize| {
            let (block, row, column) = (at / 64 * 64, at % 8, at / 8 % 8);
            c[at] + (0..8).map(|i| a[block + i * 8 + row] * b[block + column * 8 + i]).sum::<f32>()
        };
        let want: Vec<f32> = (0..64 * 3).map(entry).collect();
        lab.only_on("llvmpipe", "blocks of 8 by 8 floats").read(&a).read(&b).update(&c, &want).within(1e-5).run(3);
    }),
];
