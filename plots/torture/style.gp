# What all charts share: colours, fonts, the frame of title and caption. Loaded by each of them.
#
# A chart loads this, sets title, question, bars (its words) and height (in pixels), and draws once for
# each format:  do for [format in formats] { @start ... @finish }

if (!exists("name")) {
	print "This script draws data that performance_test prepares: performance_test plot FOLDER"
	exit status 1
}

set encoding utf8
set datafile separator comma
set datafile columnheaders

# Made for colour-blind readers (Okabe and Ito), in the order of gnuplot's podo without its yellow,
# which is too faint on white. Point types and dashes differ too, for prints in black and white.
set linetype 1 lc rgb "#000000" lw 2.5 dt 1 pt 7  ps 1.5
set linetype 2 lc rgb "#e69f00" lw 2.5 dt 1 pt 5  ps 1.4
set linetype 3 lc rgb "#56b4e9" lw 2.5 dt 1 pt 9  ps 1.7
set linetype 4 lc rgb "#009e73" lw 2.5 dt 1 pt 11 ps 1.7
set linetype 5 lc rgb "#0072b2" lw 2.5 dt 1 pt 13 ps 1.8
set linetype 6 lc rgb "#d55e00" lw 2.5 dt 1 pt 4  ps 1.5
set linetype cycle 6

quiet = "#606060"
width = 1200
formats = "svg png"

set border 3 lw 1.5 lc rgb "#404040"
set tics nomirror out scale 0.6
set grid xtics ytics lt 1 lw 1 lc rgb "#d8d8d8" dt 1
set bars 0.6

# Heights of the frame's parts, in pixels: titles above the panels, captions below.
head = 105
foot = left_out eq "" ? 95 : 121

# The y coordinate on the page of what is so many pixels below its top.
below(pixels) = 1.0 - real(pixels) / height
# The x coordinate of what is so many pixels from its left edge.
along(pixels) = real(pixels) / width

svg(height) = sprintf("set terminal svg size %d,%d noenhanced font 'DejaVu Sans,18' background rgb 'white'", width, height)
png(height) = sprintf("set terminal pngcairo size %d,%d noenhanced font 'DejaVu Sans,13.5' background rgb 'white'", width, height)
relative(size) = sprintf(",%g", format eq "svg" ? size : size * 0.75)

start = 'eval (format eq "svg" ? svg(height) : png(height)); set output name.".".format; set multiplot; \
	set label 1 title at screen along(24), screen below(30) left font relative(26); \
	set label 2 question at screen along(24), screen below(66) left font relative(20); \
	set label 3 bars at screen along(24), screen below(height - foot + 39) left font relative(15) tc rgb quiet; \
	set label 4 machine at screen along(24), screen below(height - foot + 65) left font relative(15) tc rgb quiet; \
	set label 9 left_out at screen along(24), screen below(height - foot + 91) left font relative(15) tc rgb quiet'
# The frame is drawn with the first panel only.
framed = 'unset label 1; unset label 2; unset label 3; unset label 4; unset label 9'
finish = 'unset multiplot; unset output'
