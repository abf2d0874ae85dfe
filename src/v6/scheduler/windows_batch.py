"""The batch file that Windows' Task Scheduler starts: TWS is Windows's own, the jobs are V6's in WSL.

It asks PowerShell, not netstat or tasklist: their words are translated on a Windows of another language. A question
without an answer is never read as "closed" (L30). TWS is ended by its pid, never by name, and started at most once a
call (L29).
"""

from v6.scheduler.windows_host import WindowsHost

BATCH = "v6-tws.bat"
LOG_BYTES = 1_000_000
CLOSE_SECONDS = 20
LOOK_SECONDS = 5

TEMPLATE = r"""@echo off
rem V6: the phases around TWS's restart on Windows. Written by `v6 schedule render --for windows`; change it there.
rem usage: {batch} prepare / restart / validate
rem   prepare   scripts/pre_restart.py in WSL: saves the trading state, cancels orders by policy, disconnects
rem   restart   ends a TWS that no longer responds, starts one that is absent, waits until its API port is open
rem   validate  scripts/post_restart.py in WSL: proves that everything works again, restores, reports
rem exit codes: 0 done, or nothing to do; 1 try again or look at the log; 2 tell a person
setlocal EnableExtensions DisableDelayedExpansion
set "PORT={port}"
set "TWS={tws}"
set "LOG=%~dp0restart.log"
rem what wsl.exe itself says would be UTF-16 in the middle of the log
set "WSL_UTF8=1"
call :rotate
if /i "%~1"=="prepare" goto prepare
if /i "%~1"=="restart" goto restart
if /i "%~1"=="validate" goto validate
call :log "unknown phase: allowed prepare, restart, validate"
exit /b 2

:prepare
call :job pre_restart
exit /b %CODE%

:validate
call :job post_restart
exit /b %CODE%

:restart
call :look
if not defined OWNER goto cannot_look
if "%OWNER%"=="closed" goto absent
call :responds %OWNER%
if /i "%RESPONDS%"=="True" goto well
if /i "%RESPONDS%"=="False" goto hung
call :log "pid %OWNER% listens on port %PORT%; whether it responds cannot be told: nothing is done"
exit /b 1

:well
call :log "pid %OWNER% listens on port %PORT% and responds"
exit /b 0

:hung
call :log "pid %OWNER% listens on port %PORT% and does not respond"
call :end_process %OWNER%
if not "%CODE%"=="0" exit /b 1
goto start_tws

:cannot_look
call :log "who listens on port %PORT% cannot be told: nothing is done"
exit /b 1

:absent
call :log "nobody listens on port %PORT%"
{absent}
:start_tws
rem Java reads _JAVA_OPTIONS last: it beats the -Xmx in tws.vmoptions
set "_JAVA_OPTIONS=-Xmx{heap}"
set "OPEN="
call :log "starts %TWS% with -Xmx{heap}"
start "TWS" {start}
for /l %%N in (1,1,{looks}) do call :wait_for_port
if "%OPEN%"=="yes" exit /b 0
call :log "port %PORT% has not opened within {startup} s: a login may wait for a person"
exit /b 1

:wait_for_port
if "%OPEN%"=="yes" exit /b 0
call :pause {look}
call :look
if not defined OWNER exit /b 0
if "%OWNER%"=="closed" exit /b 0
set "OPEN=yes"
call :log "pid %OWNER% listens on port %PORT%"
exit /b 0

:job
call :log "starts scripts/%1.py in WSL"
wsl.exe -d {distro}{user} -- {environment}{root}/scripts/cron_wrapper.sh --slot scripts/%1.py >>"%LOG%" 2>&1
set "CODE=%ERRORLEVEL%"
call :log "scripts/%1.py ended with %CODE%"
exit /b 0

:look
set "OWNER="
for /f "usebackq delims=" %%P in (`powershell.exe -NoProfile -Command "{who}"`) do set "OWNER=%%P"
exit /b 0

:responds
set "RESPONDS="
for /f "usebackq delims=" %%P in (`powershell.exe -NoProfile -Command "{responding}"`) do set "RESPONDS=%%P"
exit /b 0
{program}
:end_process
set "CODE=1"
call :log "ends pid %1"
taskkill.exe /PID %1 >>"%LOG%" 2>&1
for /l %%N in (1,1,{closes}) do call :still_there %1
if not "%CODE%"=="0" taskkill.exe /F /PID %1 >>"%LOG%" 2>&1
if not "%CODE%"=="0" call :still_there %1
if "%CODE%"=="0" call :log "pid %1 has ended"
if not "%CODE%"=="0" call :log "pid %1 does not end"
exit /b 0

:still_there
if "%CODE%"=="0" exit /b 0
call :pause {look}
set "THERE="
for /f "usebackq delims=" %%P in (`powershell.exe -NoProfile -Command "{there}"`) do set "THERE=%%P"
if /i "%THERE%"=="ended" set "CODE=0"
exit /b 0

:pause
rem timeout.exe refuses to work without a console
ping.exe -n %1 127.0.0.1 >nul
exit /b 0

:rotate
if not exist "%LOG%" exit /b 0
for %%F in ("%LOG%") do if %%~zF GTR {log_bytes} move /y "%LOG%" "%LOG%.1" >nul
exit /b 0

:log
>>"%LOG%" echo %DATE% %TIME% %~1
exit /b 0
"""

# a started .exe can be looked for: one that has no port yet may wait for its login, and a second would end its session
LOOK_FOR_PROGRAM = r"""call :program
if not defined PROGRAM goto cannot_look
if "%PROGRAM%"=="none" goto start_tws
call :responds %PROGRAM%
if /i not "%RESPONDS%"=="False" goto on_its_way
call :log "pid %PROGRAM% is %TWS% and does not respond"
call :end_process %PROGRAM%
if not "%CODE%"=="0" exit /b 1
goto start_tws

:on_its_way
call :log "pid %PROGRAM% is %TWS% without port %PORT% open: a login may wait for a person, no second one is started"
exit /b 1
"""
PROGRAM = r"""
:program
set "PROGRAM="
for /f "usebackq delims=" %%P in (`powershell.exe -NoProfile -Command "{running}"`) do set "PROGRAM=%%P"
exit /b 0
"""

WHO = (
    "$c = Get-NetTCPConnection -State Listen -ErrorAction Stop | Where-Object LocalPort -eq %PORT% | "
    "Select-Object -First 1; if ($c) {{ $c.OwningProcess }} else {{ 'closed' }}"
)
RESPONDING = "(Get-Process -Id %1 -ErrorAction Stop).Responding"
THERE = "if (Get-Process -Id %1 -ErrorAction SilentlyContinue) {{ 'runs' }} else {{ 'ended' }}"
RUNNING = (
    "$p = Get-Process -ErrorAction Stop | Where-Object Path -eq '%TWS%' | Select-Object -First 1; "
    "if ($p) {{ $p.Id }} else {{ 'none' }}"
)


def batch(host: WindowsHost) -> str:
    """The whole file, lines ended as cmd.exe wants them (its `goto` and `call` lose labels in files with bare LF)."""
    own = host.starts_the_program_itself
    text = TEMPLATE.format(
        batch=BATCH,
        port=host.port,
        tws=host.tws,
        heap=host.heap,
        startup=host.startup_seconds,
        looks=max(1, host.startup_seconds // LOOK_SECONDS),
        look=LOOK_SECONDS,
        closes=CLOSE_SECONDS // LOOK_SECONDS,
        log_bytes=LOG_BYTES,
        start='"%TWS%"' if own else 'cmd.exe /d /c ""%TWS%""',
        absent=LOOK_FOR_PROGRAM if own else "goto start_tws\n",
        program=PROGRAM.format(running=RUNNING.format()) if own else "",
        who=WHO.format(),
        responding=RESPONDING,
        there=THERE.format(),
        distro=host.distro,
        user=f" -u {host.user}" if host.user else "",
        environment="" if host.home == host.root else f"env V6_HOME={host.home} ",
        root=host.root,
    )
    return text.replace("\n", "\r\n")
