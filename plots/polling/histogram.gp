# Redraws histogram.svg and histogram.png from histogram.dat: gnuplot histogram.gp
# First what the results say, then the script.
name = 'histogram'
suite = 'polling'
runs = '3 runs a point'
machine = 'AMD EPYC, 2 CPUs; commit 84e01653 (changed); 2026-11-23'
rows = 12
combed = 0
array row_name[12]
array row_unit[12]
array row_end[12]
array row_poll[12]
array row_teeth[12]
array note[24]
row_name[1] = 'poll, every 1 ms, 1x1: 20 items, capacity 10'
row_unit[1] = 'ms'
row_end[1] = 3.244032
row_poll[1] = 1
row_teeth[1] = 3
combed = 1
note[1] = 'put, n = 60, longest 2.9 ms'
note[2] = 'get, n = 60, longest 3.24 ms'
row_name[2] = 'poll, every 10 ms, 1x1: 20 items, capacity 10'
row_unit[2] = 'ms'
row_end[2] = 21.757952
row_poll[2] = 10
row_teeth[2] = 2
combed = 1
note[3] = 'put, n = 60, longest 21.4 ms'
note[4] = 'get, n = 60, longest 21.7 ms'
row_name[3] = 'poll, every 100 ms, 1x1: 20 items, capacity 10'
row_unit[3] = 'ms'
row_end[3] = 203.423744
row_poll[3] = 100
row_teeth[3] = 2
combed = 1
note[5] = 'put, n = 60, longest 202 ms'
note[6] = 'get, n = 60, longest 202 ms'
row_name[4] = 'poll, every 1 ms, 2x2: 20 items, capacity 10'
row_unit[4] = 'ms'
row_end[4] = 7.53664
row_poll[4] = 1
row_teeth[4] = 7
combed = 1
note[7] = 'put, n = 120, longest 6.16 ms'
note[8] = 'get, n = 120, longest 7.52 ms'
row_name[5] = 'poll, every 10 ms, 2x2: 20 items, capacity 10'
row_unit[5] = 'ms'
row_end[5] = 53.477376
row_poll[5] = 10
row_teeth[5] = 5
combed = 1
note[9] = 'put, n = 120, longest 43.9 ms'
note[10] = 'get, n = 120, longest 53.4 ms'
row_name[6] = 'poll, every 100 ms, 2x2: 20 items, capacity 10'
row_unit[6] = 'ms'
row_end[6] = 612.368384
row_poll[6] = 100
row_teeth[6] = 6
combed = 1
note[11] = 'put, n = 120, longest 404 ms'
note[12] = 'get, n = 120, longest 604 ms'
row_name[7] = 'poll, every 1 ms, 4x4: 20 items, capacity 10'
row_unit[7] = 'ms'
row_end[7] = 19.922944
row_poll[7] = 1
row_teeth[7] = 19
combed = 1
note[13] = 'put, n = 240, longest 14.2 ms'
note[14] = 'get, n = 240, longest 19.8 ms'
row_name[8] = 'poll, every 10 ms, 4x4: 20 items, capacity 10'
row_unit[8] = 'ms'
row_end[8] = 127.926272
row_poll[8] = 10
row_teeth[8] = 12
combed = 1
note[15] = 'put, n = 240, longest 91 ms'
note[16] = 'get, n = 240, longest 128 ms'
row_name[9] = 'poll, every 100 ms, 4x4: 20 items, capacity 10'
row_unit[9] = 'ms'
row_end[9] = 914.358272
row_poll[9] = 100
row_teeth[9] = 9
combed = 1
note[17] = 'put, n = 240, longest 838 ms'
note[18] = 'get, n = 240, longest 908 ms'
row_name[10] = 'push, 1x1: 20 items, capacity 10'
row_unit[10] = 'µs'
row_end[10] = 1015.808
row_poll[10] = -0.001
row_teeth[10] = 0
note[19] = 'put, n = 60, longest 863 us'
note[20] = 'get, n = 60, longest 1.01 ms'
row_name[11] = 'push, 2x2: 20 items, capacity 10'
row_unit[11] = 'µs'
row_end[11] = 1212.416
row_poll[11] = -0.001
row_teeth[11] = 0
note[21] = 'put, n = 120, longest 930 us'
note[22] = 'get, n = 120, longest 1.2 ms'
row_name[12] = 'push, 4x4: 20 items, capacity 10'
row_unit[12] = 'ms'
row_end[12] = 2.719744
row_poll[12] = -1e-06
row_teeth[12] = 0
note[23] = 'put, n = 240, longest 1.78 ms'
note[24] = 'get, n = 240, longest 2.71 ms'
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
