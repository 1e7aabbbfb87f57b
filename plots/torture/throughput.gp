# Redraws throughput.svg and throughput.png from throughput.dat: gnuplot throughput.gp
# First what the results say, then the script.
name = 'throughput'
suite = 'torture'
runs = '1 run a point'
machine = 'AMD EPYC, 2 CPUs; commit 126fb046; 2026-11-23'
y_high = 4.640541413
array tick_at[12]
array tick_name[12]
tick_at[1] = 0
tick_name[1] = '3x5'
ticks = 1
x_low = -0.5
x_high = 0.5
series = 12
panels = 2
per_panel = 6
joined = 0
y_unit = '1000 operations / s'
array series_name[12]
series_name[1] = 'control'
series_name[2] = 'kill'
series_name[3] = 'pause'
series_name[4] = 'freeze'
series_name[5] = 'cut'
series_name[6] = 'refuse'
series_name[7] = 'silence'
series_name[8] = 'blackout'
series_name[9] = 'drop'
series_name[10] = 'duplicate'
series_name[11] = 'delay'
series_name[12] = 'stall'
longest = 9
left_out = ''
# How many operations a second, against the numbers of producers and consumers.

load "style.gp"

title = "Throughput: ".suite
question = "How many puts and gets a second, as producers and consumers are added?"
bars = "Point: median; bar: slowest and fastest run; ".runs
panel_height = 500
legend = series > 1 ? 80 + 10.6 * (longest < 16 ? 16 : longest) : 30
height = head + foot + panels * panel_height

set ylabel y_unit offset 0.5, 0
set xrange [x_low:x_high]
set yrange [0:y_high]
set key Left reverse samplen 1.5 width 1

do for [format in formats] {
	@start
	do for [panel = 1:panels] {
		first = (panel - 1) * per_panel + 1
		last = panel * per_panel < series ? panel * per_panel : series
		top = head + (panel - 1) * panel_height
		set lmargin at screen along(110)
		set rmargin at screen along(width - legend)
		set tmargin at screen below(top + 15)
		set bmargin at screen below(top + panel_height - 80)
		if (series > 1) {
			set key at screen along(width - legend + 10), screen below(top + 15) left top
		} else {
			unset key
		}
		set xtics ()
		set for [i = 1:ticks] xtics add (tick_name[i] tick_at[i])
		set xlabel "producers x consumers"
		if (joined) {
			plot for [i = first:last] "throughput.dat" index i - 1 \
				using (column("x")):(column("median")):(column("low")):(column("high")) \
				with yerrorlines lt i - first + 1 title series_name[i]
		} else {
			plot for [i = first:last] "throughput.dat" index i - 1 \
				using (column("x")):(column("median")):(column("low")):(column("high")) \
				with yerrorbars lt i - first + 1 title series_name[i]
		}
		@framed
	}
	@finish
}
