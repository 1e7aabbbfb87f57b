# Redraws polling.svg and polling.png from polling.dat: gnuplot polling.gp
# First what the results say, then the script.
name = 'polling'
suite = 'polling'
runs = '3 runs a point'
machine = 'AMD EPYC, 2 CPUs; commit 84e01653 (changed); 2026-11-23'
x_unit = 'ms'
x_low = 0.7142857143
x_high = 140
array x_tick[9]
x_tick[1] = 1
x_tick[2] = 10
x_tick[3] = 100
x_ticks = 3
throughput_low = 4.901960784
throughput_high = 10200
throughput_ticks = 4
array throughput_tick[4]
throughput_tick[1] = 10
throughput_tick[2] = 100
throughput_tick[3] = 1000
throughput_tick[4] = 10000
series = 3
array series_name[3]
array throughput_push[3]
array messages_push[3]
series_name[1] = '1x1, capacity 10'
throughput_push[1] = 5603.9048
messages_push[1] = 4
series_name[2] = '2x2, capacity 10'
throughput_push[2] = 5857.74267
messages_push[2] = 4.025
series_name[3] = '4x4, capacity 10'
throughput_push[3] = 5471.32489
messages_push[3] = 4.0375
longest = 16
left_out = ''
# Polling against push: throughput and messages for each operation, against the poll interval.

load "style.gp"

title = "Polling against push: ".suite
question = "What does polling cost, and what does a longer interval buy?"
bars = "Point: median; bar: lowest and highest run; dashed: push, median; ".runs
panel_height = 440 + 26 * series
height = head + foot + panel_height

set logscale x
set xrange [x_low:x_high]
set xlabel "poll interval [".x_unit."]"
array left_edge[2] = [105, 685]

do for [format in formats] {
	@start
	set tmargin at screen below(head + 40)
	set bmargin at screen below(head + 350)
	set xtics ()
	set for [i = 1:x_ticks] xtics add (sprintf("%g", x_tick[i]) x_tick[i])
	do for [side = 1:2] {
		set lmargin at screen along(left_edge[side])
		set rmargin at screen along(left_edge[side] + 490)
		set key at screen along(left_edge[side] - 60), screen below(head + 425) \
			left top Left reverse samplen 2
		if (side == 1) {
			set label 5 "operations / s (log scale)" at screen along(left_edge[side] - 60), screen below(head + 18) left font relative(20)
			set logscale y
			set ytics ()
			set for [i = 1:throughput_ticks] ytics add (sprintf("%g", throughput_tick[i]) throughput_tick[i])
			set yrange [throughput_low:throughput_high]
			plot for [i = 1:series] "polling.dat" index 2 * (i - 1) \
					using (column("interval")):(column("median")):(column("low")):(column("high")) \
					with yerrorlines lt i title "polling, ".series_name[i], \
				for [i = 1:series] throughput_push[i] with lines lt i dt (12, 7) notitle
		} else {
			set label 5 "messages / operation" at screen along(left_edge[side] - 60), screen below(head + 18) left font relative(20)
			unset logscale y
			set ytics autofreq
			set yrange [0:*]
			plot for [i = 1:series] "polling.dat" index 2 * (i - 1) + 1 \
					using (column("interval")):(column("median")):(column("low")):(column("high")) \
					with yerrorlines lt i notitle, \
				for [i = 1:series] messages_push[i] with lines lt i dt (12, 7) title "push, ".series_name[i]
		}
		@framed
	}
	@finish
}
