# Redraws faults.svg and faults.png from faults.dat: gnuplot faults.gp
# First what the results say, then the script.
name = 'faults'
suite = 'torture'
runs = '1 run a point'
machine = 'AMD EPYC, 2 CPUs; commit 126fb046; 2026-11-23'
time_low = 0.004901960784
time_high = 5100
time_ticks = 6
array time_tick[6]
time_tick[1] = 0.01
time_tick[2] = 0.1
time_tick[3] = 1
time_tick[4] = 10
time_tick[5] = 100
time_tick[6] = 1000
lease = 1000
resume = 50
rows = 12
array row_name[12]
array row_note[12]
row_name[1] = 'control'
row_note[1] = '660: 196 us, 25.7 ms'
row_name[2] = 'kill'
row_note[2] = '469: 15.2 ms, 55.3 ms'
row_name[3] = 'pause'
row_note[3] = '74: 288 us, 445 ms'
row_name[4] = 'freeze'
row_note[4] = '13: 530 us, 1 s'
row_name[5] = 'cut'
row_note[5] = '676: 691 us, 5.24 ms'
row_name[6] = 'refuse'
row_note[6] = '85: 396 us, 51.9 ms'
row_name[7] = 'silence'
row_note[7] = '75: 407 us, 469 ms'
row_name[8] = 'blackout'
row_note[8] = '13: 724 us, 1 s'
row_name[9] = 'drop'
row_note[9] = '111: 888 us, 334 ms'
row_name[10] = 'duplicate'
row_note[10] = '69: 199 us, 1.5 ms'
row_name[11] = 'delay'
row_note[11] = '69: 560 us, 25 ms'
row_name[12] = 'stall'
row_note[12] = '21: 766 ms, 2.47 s'
array place_name[4]
array place_style[4]
place_name[1] = 'victim held the monitor'
place_style[1] = 0
place_name[2] = 'waited on a condition'
place_style[2] = 1
place_name[3] = 'was in line'
place_style[3] = 2
place_name[4] = 'was outside'
place_style[4] = 3
places = 4
longest = 0
left_out = ''
# How long it takes until others go on after a fault, kind by kind.

load "style.gp"

title = "Going on after a fault: ".suite
question = "How long is it until somebody else has done something, by what happened to whom?"
bars = "Small: one fault each; large: a lane's median; at the right: faults, median, longest. Alone at its time only; ".runs
row_height = 66
panel_height = 150 + row_height * rows
height = head + foot + panel_height

set logscale x
set xrange [time_low:time_high]
set yrange [rows + 0.5:0.5]
set xlabel "from the fault to the end of somebody else's operation that began after it [ms, log scale]"

do for [format in formats] {
	@start
	set lmargin at screen along(215)
	set rmargin at screen along(950)
	set tmargin at screen below(head + 20)
	set bmargin at screen below(head + 20 + row_height * rows)
	set xtics ()
	set for [i = 1:time_ticks] xtics add (sprintf("%g", time_tick[i]) time_tick[i])
	set ytics ()
	set for [i = 1:rows] ytics add (row_name[i] i)
	set grid xtics noytics
	set for [i = 1:rows] label 100 + i row_note[i] at screen along(965), first i left font relative(15)
	set for [i = 1:rows - 1] arrow 100 + i from graph 0, first i + 0.5 to graph 1, first i + 0.5 nohead lc rgb "#d8d8d8"
	if (resume >= time_low && resume <= time_high) {
		set arrow 1 from first resume, graph 0 to first resume, graph 1 nohead lw 1.5 dt (12, 7) lc rgb quiet
		set label 6 "resume" at first resume, graph 1.02 center font relative(15) tc rgb quiet
	}
	if (lease >= time_low && lease <= time_high) {
		set arrow 2 from first lease, graph 0 to first lease, graph 1 nohead lw 1.5 dt (12, 7) lc rgb quiet
		set label 7 "lease" at first lease, graph 1.02 center font relative(15) tc rgb quiet
	}
	set key at screen along(215), screen below(head + panel_height - 42) left top Left reverse horizontal maxrows 1 samplen 1
	plot for [i = 1:places] "faults.dat" index 2 * (i - 1) using (column("time")):(column("lane")) \
			with points lt place_style[i] + 2 pt 7 ps 0.45 notitle, \
		for [i = 1:places] "faults.dat" index 2 * (i - 1) + 1 using (column("time")):(column("lane")) \
			with points lt place_style[i] + 2 ps 1.6 title place_name[i]
	@framed
	@finish
}
