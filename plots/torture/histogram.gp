# Redraws histogram.svg and histogram.png from histogram.dat: gnuplot histogram.gp
# First what the results say, then the script.
name = 'histogram'
suite = 'torture'
runs = '1 run a point'
machine = 'AMD EPYC, 2 CPUs; commit 126fb046; 2026-11-23'
rows = 12
combed = 0
array row_name[12]
array row_unit[12]
array row_end[12]
array row_poll[12]
array row_teeth[12]
array note[24]
row_name[1] = 'by-kind, control: 3x5, capacity 4'
row_unit[1] = 'ms'
row_end[1] = 9.17504
row_poll[1] = -1e-06
row_teeth[1] = 0
note[1] = 'put, n = 44189, 8 beyond, longest 13.7 ms'
note[2] = 'get, n = 44189, 7 beyond, longest 11.6 ms'
row_name[2] = 'by-kind, kill: 3x5, capacity 4'
row_unit[2] = 'ms'
row_end[2] = 364.904448
row_poll[2] = -1e-06
row_teeth[2] = 0
note[3] = 'put, n = 7209, longest 166 ms'
note[4] = 'get, n = 7208, 7 beyond, longest 836 ms'
row_name[3] = 'by-kind, pause: 3x5, capacity 4'
row_unit[3] = 'ms'
row_end[3] = 1090.51904
row_poll[3] = -1e-06
row_teeth[3] = 0
note[5] = 'put, n = 5634, 2 beyond, longest 1.6 s'
note[6] = 'get, n = 5634, 3 beyond, longest 1.21 s'
row_name[4] = 'by-kind, freeze: 3x5, capacity 4'
row_unit[4] = 'ms'
row_end[4] = 7.274496
row_poll[4] = -1e-06
row_teeth[4] = 0
note[7] = 'put, n = 27517, 32 beyond, longest 1 s'
note[8] = 'get, n = 27517, 80 beyond, longest 5.6 s'
row_name[5] = 'by-kind, cut: 3x5, capacity 4'
row_unit[5] = 'ms'
row_end[5] = 16.121856
row_poll[5] = -1e-06
row_teeth[5] = 0
note[9] = 'put, n = 22453, 1 beyond, longest 16.7 ms'
note[10] = 'get, n = 22453, 3 beyond, longest 7.46 s'
row_name[6] = 'by-kind, refuse: 3x5, capacity 4'
row_unit[6] = 'ms'
row_end[6] = 25.952256
row_poll[6] = -1e-06
row_teeth[6] = 0
note[11] = 'put, n = 26145, 163 beyond, longest 100 ms'
note[12] = 'get, n = 26145, 236 beyond, longest 1.36 s'
row_name[7] = 'by-kind, silence: 3x5, capacity 4'
row_unit[7] = 'ms'
row_end[7] = 956.301312
row_poll[7] = -1e-06
row_teeth[7] = 0
note[13] = 'put, n = 3656, longest 953 ms'
note[14] = 'get, n = 3656, longest 953 ms'
row_name[8] = 'by-kind, blackout: 3x5, capacity 4'
row_unit[8] = 'ms'
row_end[8] = 8.323072
row_poll[8] = -1e-06
row_teeth[8] = 0
note[15] = 'put, n = 16992, 39 beyond, longest 1 s'
note[16] = 'get, n = 16992, 47 beyond, longest 4.46 s'
row_name[9] = 'by-kind, drop: 3x5, capacity 4'
row_unit[9] = 'ms'
row_end[9] = 1006.63296
row_poll[9] = -1e-06
row_teeth[9] = 0
note[17] = 'put, n = 5670, longest 855 ms'
note[18] = 'get, n = 5670, 13 beyond, longest 4.19 s'
row_name[10] = 'by-kind, duplicate: 3x5, capacity 4'
row_unit[10] = 'ms'
row_end[10] = 9.699328
row_poll[10] = -1e-06
row_teeth[10] = 0
note[19] = 'put, n = 33519, 7 beyond, longest 25.8 ms'
note[20] = 'get, n = 33519, 7 beyond, longest 25.7 ms'
row_name[11] = 'by-kind, delay: 3x5, capacity 4'
row_unit[11] = 'ms'
row_end[11] = 276.824064
row_poll[11] = -1e-06
row_teeth[11] = 0
note[21] = 'put, n = 5928, longest 47.8 ms'
note[22] = 'get, n = 5928, 32 beyond, longest 2.45 s'
row_name[12] = 'by-kind, stall: 3x5, capacity 4'
row_unit[12] = 's'
row_end[12] = 3.69098752
row_poll[12] = -1e-09
row_teeth[12] = 0
note[23] = 'put, n = 229, longest 3.66 s'
note[24] = 'get, n = 229, longest 2.97 s'
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
