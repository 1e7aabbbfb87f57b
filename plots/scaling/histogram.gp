# Redraws histogram.svg and histogram.png from histogram.dat: gnuplot histogram.gp
# First what the results say, then the script.
name = 'histogram'
suite = 'scaling'
runs = '5 runs a point'
machine = 'AMD EPYC, 2 CPUs; commit 84e01653 (changed); 2026-11-23'
rows = 10
combed = 0
array row_name[10]
array row_unit[10]
array row_end[10]
array row_poll[10]
array row_teeth[10]
array note[20]
row_name[1] = 'pairs, tcp, 1x1: 500 items, capacity 10'
row_unit[1] = 'µs'
row_end[1] = 1097.728
row_poll[1] = -0.001
row_teeth[1] = 0
note[1] = 'put, n = 2500, 4 beyond, longest 4.46 ms'
note[2] = 'get, n = 2500, 4 beyond, longest 4.42 ms'
row_name[2] = 'pairs, ipc, 1x1: 500 items, capacity 10'
row_unit[2] = 'µs'
row_end[2] = 983.04
row_poll[2] = -0.001
row_teeth[2] = 0
note[3] = 'put, n = 2500, 1 beyond, longest 1.29 ms'
note[4] = 'get, n = 2500, 1 beyond, longest 1.32 ms'
row_name[3] = 'pairs, tcp, 2x2: 500 items, capacity 10'
row_unit[3] = 'µs'
row_end[3] = 1867.776
row_poll[3] = -0.001
row_teeth[3] = 0
note[5] = 'put, n = 5000, longest 1.85 ms'
note[6] = 'get, n = 5000, longest 1.86 ms'
row_name[4] = 'pairs, ipc, 2x2: 500 items, capacity 10'
row_unit[4] = 'µs'
row_end[4] = 1703.936
row_poll[4] = -0.001
row_teeth[4] = 0
note[7] = 'put, n = 5000, longest 1.61 ms'
note[8] = 'get, n = 5000, longest 1.69 ms'
row_name[5] = 'pairs, tcp, 4x4: 500 items, capacity 10'
row_unit[5] = 'ms'
row_end[5] = 5.046272
row_poll[5] = -1e-06
row_teeth[5] = 0
note[9] = 'put, n = 10000, 4 beyond, longest 5.36 ms'
note[10] = 'get, n = 10000, 4 beyond, longest 5.38 ms'
row_name[6] = 'pairs, ipc, 4x4: 500 items, capacity 10'
row_unit[6] = 'ms'
row_end[6] = 3.964928
row_poll[6] = -1e-06
row_teeth[6] = 0
note[11] = 'put, n = 10000, 4 beyond, longest 5.02 ms'
note[12] = 'get, n = 10000, 4 beyond, longest 5.07 ms'
row_name[7] = 'pairs, tcp, 8x8: 500 items, capacity 10'
row_unit[7] = 'ms'
row_end[7] = 8.257536
row_poll[7] = -1e-06
row_teeth[7] = 0
note[13] = 'put, n = 20000, longest 8.24 ms'
note[14] = 'get, n = 20000, longest 7.93 ms'
row_name[8] = 'pairs, ipc, 8x8: 500 items, capacity 10'
row_unit[8] = 'ms'
row_end[8] = 7.340032
row_poll[8] = -1e-06
row_teeth[8] = 0
note[15] = 'put, n = 20000, longest 7.3 ms'
note[16] = 'get, n = 20000, longest 7.3 ms'
row_name[9] = 'pairs, tcp, 16x16: 500 items, capacity 10'
row_unit[9] = 'ms'
row_end[9] = 15.859712
row_poll[9] = -1e-06
row_teeth[9] = 0
note[17] = 'put, n = 40000, longest 15.9 ms'
note[18] = 'get, n = 40000, longest 15.4 ms'
row_name[10] = 'pairs, ipc, 16x16: 500 items, capacity 10'
row_unit[10] = 'ms'
row_end[10] = 21.495808
row_poll[10] = -1e-06
row_teeth[10] = 0
note[19] = 'put, n = 40000, 1 beyond, longest 2.12 s'
note[20] = 'get, n = 40000, 1 beyond, longest 2.12 s'
longest = 0
left_out = ''
# Latency histograms: put at the left, get at the right, a row for each point.

load "style.gp"

title = "Latency histogram: ".suite
question = "Is there a comb, a second mode, a cliff?"
bars = "All operations of a point pooled (".runs."), in bins of equal width".(combed ? "; orange lines: multiples of the poll interval" : "")
panel_height = 305
height = head + foot + rows * panel_height

set logscale y
set yrange [0.7:*]
set style fill solid 1.0 noborder
unset key
array left_edge[2] = [115, 685]

do for [format in formats] {
	@start
	do for [row = 1:rows] {
		top = head + (row - 1) * panel_height
		do for [side = 1:2] {
			set lmargin at screen along(left_edge[side])
			set rmargin at screen along(left_edge[side] + 485)
			set tmargin at screen below(top + 62)
			set bmargin at screen below(top + panel_height - 65)
			set xrange [0:row_end[row]]
			set xlabel "latency [".row_unit[row]."]" offset 0, 0.4
			set ylabel side == 1 ? "operations" : "" offset 0.5, 0
			set label 5 side == 1 ? row_name[row] : "" at screen along(24), screen below(top + 16) left font relative(20)
			set label 6 note[2 * row - 2 + side] at graph 1.0, screen below(top + 46) right font relative(16)
			unset arrow
			do for [tooth = 1:row_teeth[row]] {
				set arrow tooth from tooth * row_poll[row], graph 0 to tooth * row_poll[row], graph 1 nohead back lw 1.5 lc rgb "#e69f00"
			}
			plot "histogram.dat" index 2 * row - 3 + side \
				using (column("latency")):(column("count")):(column("width")) with boxes lc rgb "#0072b2"
			@framed
		}
	}
	@finish
}
