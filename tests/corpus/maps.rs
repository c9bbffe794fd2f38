//! Kernels with one output element for each input element.

use crate::lab::Case;

pub(crate) const CASES: &[Case] = &[
    case!("maps/fill_index", |lab| {
        lab.write(&(0..256).collect::<Vec<u32>>()).run(4);
    }),
    case!("maps/saxpy", |lab| {
        let (x, y) = (lab.floats(1000), lab.floats(1000));
        let want: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 2.5 * x + y).collect();
        lab.read(&x).update(&y, &want).bytes(&[2.5f32.to_bits(), 1000]).within(1e-6).run(16);
    }),
    case!("maps/triad", |lab| {
        let (a, b) = (lab.floats(777), lab.floats(777));
        let want: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + 3.0 * b).collect();
        lab.read(&a).read(&b).write(&want).within(1e-6).run(3);
    }),
    case!("maps/relu_vec4", |lab| {
        let x = lab.floats(400);
        let want: Vec<f32> = x.iter().map(|x| x.max(0.0)).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("maps/sigmoid", |lab| {
        let x = lab.between(500, -8.0, 8.0);
        let want: Vec<f32> = x.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        lab.read(&x).write(&want).within(1e-5).run(8);
    }),
    case!("maps/polynomial", |lab| {
        let x = lab.floats(300);
        let c = [1.0, -0.5, 0.25, 2.0, -1.25, 0.125];
        let want: Vec<f32> = x.iter().map(|x| c.iter().rev().fold(0.0, |sum, c| sum * x + c)).collect();
        lab.read(&x).write(&want).within(1e-6).run(5);
    }),
    case!("maps/grid2d", |lab| {
        let want: Vec<u32> = (0..9).flat_map(|y| (0..21).map(move |x| x * 1000 + y)).collect();
        lab.write(&want).immediate(&[21u32, 9]).run([3, 3, 1]);
    }),
    case!("maps/grid3d", |lab| {
        let places = (0..10).flat_map(|z| (0..6).flat_map(move |y| (0..4).map(move |x| [x, y, z])));
        let want: Vec<u32> = places.flat_map(|[x, y, z]| [x, y, z, (z % 2 * 2 + y % 2) * 4 + x % 4]).collect();
        lab.write(&want).run([1, 3, 5]);
    }),
    case!("maps/complex_multiply", |lab| {
        let (a, b) = (lab.floats(200), lab.floats(200));
        let pairs = a.chunks(2).zip(b.chunks(2));
        let want: Vec<f32> = pairs.flat_map(|(p, q)| [p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]]).collect();
        lab.read(&a).update(&b, &want).within(1e-6).run(2);
    }),
    case!("maps/quaternion_rotate", |lab| {
        let angles = lab.between(64, 0.0, 6.0);
        let v = lab.floats(256);
        // The rotation is about the z axis, so the expected result is a rotation in the plane.
        let q: Vec<f32> = angles.iter().flat_map(|a| [0.0, 0.0, (a / 2.0).sin(), (a / 2.0).cos()]).collect();
        let turned = |(a, v): (&f32, &[f32])| [v[0] * a.cos() - v[1] * a.sin(), v[0] * a.sin() + v[1] * a.cos(), v[2], v[3]];
        let want: Vec<f32> = angles.iter().zip(v.chunks(4)).flat_map(turned).collect();
        lab.read(&q).update(&v, &want).within(1e-5).run(2);
    }),
    case!("maps/threshold", |lab| {
        let x = lab.signed(333, 100);
        let want: Vec<i32> = x.iter().map(|&x| if x > 17 { x } else { -1 }).collect();
        lab.read(&x).write(&want).immediate(&[17]).run(6);
    }),
    case!("maps/gather", |lab| {
        let (index, from) = (lab.below(300, 90), lab.floats(90));
        let want: Vec<f32> = index.iter().map(|&i| from[i as usize]).collect();
        lab.read(&index).read(&from).write(&want).run(5);
    }),
    case!("maps/scatter", |lab| {
        let from = lab.floats(300);
        let place: Vec<u32> = (0..300).map(|i| i * 7 % 300).collect();
        let mut want = vec![0.0; 300];
        place.iter().zip(&from).for_each(|(&at, &value)| want[at as usize] = value);
        lab.read(&place).read(&from).write(&want).run(5);
    }),
    case!("maps/reverse", |lab| {
        let x = lab.words(501);
        let want: Vec<u32> = x.iter().rev().copied().collect();
        lab.update(&x, &want).run(4);
    }),
    case!("maps/interpolate", |lab| {
        let (knots, at) = (lab.floats(17), lab.between(200, -0.1, 1.1));
        let read = |at: &f32| {
            let position = at.clamp(0.0, 1.0) * 16.0;
            let left = (position as usize).min(15);
            knots[left] + (knots[left + 1] - knots[left]) * (position - left as f32)
        };
        let want: Vec<f32> = at.iter().map(read).collect();
        lab.read(&knots).read(&at).write(&want).within(1e-5).run(4);
    }),
    case!("maps/rgb_to_ycbcr", |lab| {
        let pixels = lab.between(400, 0.0, 1.0);
        let convert = |p: &[f32]| {
            let (r, g, b) = (p[0], p[1], p[2]);
            let luma = 0.299 * r + 0.587 * g + 0.114 * b;
            [luma, 0.5 + (b - luma) / 1.772, 0.5 + (r - luma) / 1.402, p[3]]
        };
        let want: Vec<f32> = pixels.chunks(4).flat_map(convert).collect();
        lab.update(&pixels, &want).within(1e-5).run(2);
    }),
    case!("maps/struct_of_records", |lab| {
        let (balances, months) = (lab.between(40, 0.0, 100.0), lab.below(40, 12));
        let record = |id: usize, balance: f32| [id as u32, balance.to_bits(), 0.125f32.to_bits(), months[id]];
        let before: Vec<u32> = balances.iter().enumerate().flat_map(|(id, &balance)| record(id, balance)).collect();
        let grown = |id: usize| (0..months[id]).fold(balances[id], |balance, _| balance + balance * 0.125);
        let want: Vec<f32> = (0..40).map(grown).collect();
        lab.judge(&before, move |after: &[u32]| {
            let right = |(id, account): (usize, &[u32])| {
                let balance = f32::from_bits(account[1]);
                account[0] == id as u32 | 1 << 31 && (balance - want[id]).abs() <= want[id] * 1e-5
            };
            if after.chunks(4).enumerate().all(right) { Ok(()) } else { Err(format!("{after:x?}")) }
        });
        lab.run(3);
    }),
    case!("maps/distance_matrix", |lab| {
        let (a, b) = (lab.floats(2 * 19), lab.floats(2 * 11));
        let want: Vec<f32> =
            b.chunks(2).flat_map(|b| a.chunks(2).map(|a| (a[0] - b[0]).hypot(a[1] - b[1])).collect::<Vec<_>>()).collect();
        lab.read(&a).read(&b).write(&want).bytes(&[19u32, 11]).within(1e-5).run([3, 2, 1]);
    }),
];
